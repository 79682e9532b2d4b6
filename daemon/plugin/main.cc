// SPDX-License-Identifier: Apache-2.0
// mutuald-plugin: serves the broker's questions about where services are, by children that load the discovery
// plugins. With --child it is such a child.
#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <iostream>

#include "daemon/plugin/child.h"
#include "daemon/plugin/definitions.h"
#include "daemon/plugin/kerberos_profile.h"
#include "daemon/plugin/rpc_programs.h"
#include "daemon/plugin/supervisor.h"
#include "daemon/unit/account.h"
#include "daemon/unit/hardening.h"
#include "daemon/unit/log_order.h"
#include "daemon/unit/notify.h"
#include "daemon/unit/passed_sockets.h"
#include "daemon/unit/watchdog.h"
#include "varlink/listener.h"

namespace mutual::plugin {
namespace {

struct Options {
    std::string socket;
    std::string broker_user = "mutuald";
    std::string config_root;
    RpcbindPlace rpcbind;
};

config::ConfigurationPaths paths_of(const Options& options) {
    return options.config_root.empty() ? config::ConfigurationPaths()
                                       : config::ConfigurationPaths::below(options.config_root);
}

Result<UniqueFd> listening_socket(const Options& options) {
    auto passed = unit::PassedSockets::from_environment();
    if (!passed) return passed.error();
    if (options.socket.empty()) return passed->take("plugin");
    // Whoever may connect is decided by uid, not by the file's mode.
    return varlink::listen_unix(options.socket, 0666);
}

asio::awaitable<void> heed_signals(asio::io_context& loop, Definitions& definitions, RpcPrograms& programs) {
    asio::signal_set signals(loop, SIGTERM, SIGINT, SIGHUP);
    while (true) {
        const int signal = co_await signals.async_wait(asio::use_awaitable);
        if (signal != SIGHUP) break;
        definitions.reload();
    }
    unit::notify_stopping();
    co_await programs.end();
}

Result<void> serve(const Options& options, const unit::Log& log) {
    if (auto hardened = unit::harden(); !hardened) return hardened;
    const auto broker = unit::find_user(options.broker_user);
    if (!broker) return broker.error();
    const varlink::Service::Complaint complaint = [&log](std::string_view text) { log.warning(text); };
    asio::io_context loop(1);
    Supervisor supervisor(loop, complaint);
    Definitions definitions(loop, paths_of(options), supervisor, log);
    RpcPrograms programs(loop, options.rpcbind, complaint);
    if (auto started = definitions.start(); !started) return started;
    auto listener = listening_socket(options);
    if (!listener) return listener.error();
    varlink::Service::About about{"mutuald", "mutuald-plugin", MUTUAL_VERSION, ""};
    const auto service = std::make_shared<varlink::Service>(std::move(about), complaint);
    supervisor.serve(*service);
    programs.serve(*service);
    unit::add_log_order(*service, "org.mutuald.Plugins", log);
    definitions.serve(*service);
    const auto ended = [&loop, &log](std::exception_ptr failure) {
        loop.stop();
        try {
            if (failure) std::rethrow_exception(failure);
        } catch (const std::exception& defect) {
            log.error(std::string("the event loop failed: ") + defect.what());
        }
    };
    auto listening =
        varlink::listen(loop, std::move(*listener), service, varlink::only_uid(broker->uid, complaint),
                        varlink::internal_limits, complaint);
    asio::co_spawn(loop, std::move(listening), ended);
    asio::co_spawn(loop, heed_signals(loop, definitions, programs), ended);
    asio::co_spawn(loop, unit::feed_watchdog(), [](std::exception_ptr) {});
    unit::notify_ready("serving plugins");
    loop.run();
    return {};
}

int serve_as_child() {
    std::signal(SIGPIPE, SIG_IGN);
    if (auto hardened = unit::harden(); !hardened) return 1;
    if (auto written = take_names_as_written(); !written) return 1;
    return Child(UniqueFd(3)).run();
}

int run(int count, char** values) {
    if (count > 1 && std::string_view(values[1]) == "--child") return serve_as_child();
    Options options;
    CLI::App app("Supervises the discovery plugins of mutuald.", "mutuald-plugin");
    app.set_version_flag("--version", "mutuald-plugin " MUTUAL_VERSION);
    app.add_option("--socket", options.socket,
                   "listen here instead of on the socket that the service manager passes");
    app.add_option("--broker-user", options.broker_user, "the only user whom the socket admits")
        ->capture_default_str();
    app.add_option("--config-root", options.config_root, "read the configuration below this folder");
    app.add_option("--rpcbind-port", options.rpcbind.port, "the port of other hosts' rpcbind")
        ->capture_default_str();
    app.add_option("--rpcbind-socket", options.rpcbind.here.socket, "the socket of this host's rpcbind")
        ->capture_default_str();
    unsigned between_checks = 60;
    app.add_option("--rpcbind-check", between_checks,
                   "look after what is registered there each so many seconds")
        ->check(CLI::Range(1, 86'400))
        ->capture_default_str();
    try {
        app.parse(count, values);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    options.rpcbind.here.between_checks = std::chrono::seconds(between_checks);
    const auto log = unit::system_log("mutuald-plugin");
    const auto served = serve(options, log);
    if (!served) log.error(to_string(served.error()));
    if (served) return 0;
    return served.error().code == Code::invalid_configuration ? 78
                                                              : 1;  // EX_CONFIG: starting again is no use
}

}  // namespace
}  // namespace mutual::plugin

int main(int count, char** values) { return mutual::plugin::run(count, values); }
