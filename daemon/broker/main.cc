// SPDX-License-Identifier: Apache-2.0
// mutuald, the broker: reads the configuration, takes its sockets, and serves callers and mutuald-channel
// until told to end. With --all it is instead the launcher of all four programs.
#include <poll.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <iostream>

#include "daemon/broker/administration.h"
#include "daemon/broker/admission.h"
#include "daemon/broker/api.h"
#include "daemon/broker/launcher/launcher.h"
#include "daemon/config/files.h"
#include "daemon/config/load.h"
#include "daemon/unit/account.h"
#include "daemon/unit/hardening.h"
#include "daemon/unit/notify.h"
#include "daemon/unit/passed_sockets.h"
#include "daemon/unit/watchdog.h"
#include "varlink/listener.h"

namespace {

using namespace mutual;

struct Options {
    std::vector<std::string> folders;
    std::string socket_folder = "/run/mutuald";
    std::string channel_user = "mutuald-channel";
    bool all = false;
    bool check = false;
    bool cat = false;
    bool json = false;
    std::vector<std::string> transports;
};

int report(const std::vector<Error>& errors) {
    for (const Error& error : errors) {
        std::cerr << "mutuald: " << error.message << '\n';
        if (!error.hint.empty()) std::cerr << "hint: " << error.hint << '\n';
    }
    return 78;  // EX_CONFIG
}

config::Loaded load(const Options& options) {
    config::ConfigurationPaths paths;
    if (!options.folders.empty()) paths.folders = options.folders;
    return config::load(paths);
}

int check(const Options& options) {
    const config::Loaded loaded = load(options);
    if (!loaded.configuration) return report(loaded.errors);
    std::cout << "the configuration is good: " << loaded.configuration->services.size() << " service(s), "
              << loaded.configuration->rules.size() << " rule(s), from " << loaded.configuration->files.size()
              << " file(s)\n";
    return 0;
}

// Every file that makes the configuration; or what they say together.
int cat(const Options& options) {
    config::ConfigurationPaths paths;
    if (!options.folders.empty()) paths.folders = options.folders;
    std::vector<Error> errors;
    const std::string text = config::concatenated(paths, errors);
    if (!options.json) {
        std::cout << text << std::flush;
        return errors.empty() ? 0 : report(errors);
    }
    const config::Loaded loaded = config::load(paths);
    if (!loaded.configuration) return report(loaded.errors);
    std::cout << loaded.written << '\n';
    return 0;
}

int launch(const Options& options) {
    launcher::LauncherOptions launcher;
    if (!options.transports.empty()) launcher.transports = options.transports;
    return launcher::run_launcher(launcher);
}

// An exception that leaves a coroutine which runs as long as the program does is a defect: it ends the
// program.
void rethrow(std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
}

boost::asio::awaitable<void> heed_signals(boost::asio::io_context& loop, broker::Reload& reload) {
    boost::asio::signal_set signals(loop, SIGTERM, SIGINT, SIGHUP);
    for (;;) {
        const int signal = co_await signals.async_wait(boost::asio::use_awaitable);
        if (signal != SIGHUP) break;
        reload.start("SIGHUP");
    }
    loop.stop();
}

// Whoever waits at the socket hears why there is no service. A connection that waited on would have systemd
// start us again at once, and again.
void turn_away(int api_socket, const Error& error) {
    const varlink::Reply reply = varlink::failure("org.mutuald.Broker", error);
    constexpr int most = 1024;  // then systemd may start us again for the rest
    for (int i = 0; i < most; ++i) {
        pollfd waiting{api_socket, POLLIN, 0};
        if (::poll(&waiting, 1, 0) != 1) return;
        const UniqueFd caller(::accept4(api_socket, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!caller) return;
        varlink::say_last(caller.value(), reply);
    }
}

int serve(const Options& options, const unit::Log& log) {
    std::signal(SIGHUP, SIG_IGN);  // until there is something to reload
    Result<unit::PassedSockets> sockets = unit::PassedSockets::from_environment();
    if (!sockets) return report({sockets.error()});
    Result<UniqueFd> api_socket = sockets->take("api");
    config::Loaded loaded = load(options);
    if (!loaded.configuration) {
        Error why(Code::invalid_configuration, Stage::request,
                  "mutuald cannot start: its configuration is wrong",
                  "an administrator sees what is wrong with: mutuald --check-config; then: systemctl restart "
                  "mutuald");
        if (api_socket) turn_away(api_socket->value(), why);
        return report(loaded.errors);
    }
    Result<UniqueFd> admission_socket = sockets->take("admission");
    Result<unit::Account> channel = unit::find_user(options.channel_user);
    if (!api_socket) return report({api_socket.error()});
    if (!admission_socket) return report({admission_socket.error()});
    if (!channel) return report({channel.error()});

    const LingerBound bound;  // before what is closed in the end
    if (!bound.holds()) log.warning(no_linger_bound);
    boost::asio::io_context loop(1);
    const auto configuration =
        std::make_shared<const config::Configuration>(std::move(*loaded.configuration));
    broker::Broker broker(loop, configuration, log, options.socket_folder);
    broker::AcceptQueue queue(loop);
    broker::Admission admission(broker, queue);
    broker::Offerings offerings(broker);
    const config::ApiLimits limits = configuration->daemon.limits;

    const auto complain = [&log](std::string_view complaint) { log.warning(complaint); };
    const varlink::Service::About about{"mutual", "mutuald", MUTUALD_VERSION, ""};
    broker::Api api(broker, queue, offerings);
    auto api_service = std::make_shared<varlink::Service>(about, complain);
    api.add_to(*api_service);
    const auto apply = [&queue, &offerings] {
        queue.reconsider();
        offerings.use_configuration();
    };
    const auto read = [options] { return load(options); };
    broker::Reload reload(broker, std::move(loaded.written), options.socket_folder, read, apply);
    broker::Administration administration(broker, queue, offerings, reload);
    administration.add_to(*api_service);
    auto admission_service = std::make_shared<varlink::Service>(about, complain);
    admission.add_to(*admission_service);

    const auto within_quota = [&api](const varlink::PeerCredentials& peer, int socket) {
        return api.admit(peer, socket);
    };
    boost::asio::co_spawn(loop,
                          varlink::listen(loop, std::move(*api_socket), api_service, within_quota,
                                          {limits.message, limits.depth, 0}, complain),
                          rethrow);
    boost::asio::co_spawn(
        loop,
        varlink::listen(loop, std::move(*admission_socket), admission_service,
                        varlink::only_uid(channel->uid, complain), varlink::internal_limits, complain),
        rethrow);
    offerings.start();
    boost::asio::co_spawn(loop, unit::feed_watchdog(), rethrow);
    boost::asio::co_spawn(loop, heed_signals(loop, reload), rethrow);
    unit::notify_ready("serving " + std::to_string(configuration->services.size()) + " service(s)");
    log.info("ready: " + std::to_string(configuration->services.size()) + " service(s), " +
             std::to_string(configuration->rules.size()) + " rule(s)");
    loop.run();
    unit::notify_stopping();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("mutuald brokers mutually authenticated Kerberos channels for local programs.", "mutuald");
    Options options;
    app.set_version_flag("--version", MUTUALD_VERSION);
    app.add_flag("--all", options.all,
                 "make the sockets and run all four programs (without systemd; as root)");
    app.add_option("--transport", options.transports,
                   "with --all: run only these transports (default: every built-in one)");
    app.add_flag("--check-config", options.check,
                 "read the configuration, say what is wrong with it, and end");
    app.add_flag("--cat-config", options.cat, "show the files that make the configuration, and end");
    app.add_flag("--json", options.json, "with --cat-config: show what they say together, as JSON");
    app.add_option("--config", options.folders,
                   "read the configuration from these folders instead, later wins");
    app.add_option("--socket-folder", options.socket_folder, "where the other programs' sockets are")
        ->capture_default_str();
    app.add_option("--channel-user", options.channel_user, "the user as which mutuald-channel runs")
        ->capture_default_str();
    for (const char* other :
         {"--check-config", "--cat-config", "--config", "--socket-folder", "--channel-user"})
        app.get_option("--all")->excludes(app.get_option(other));
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    const unit::Log log = unit::system_log("mutuald");
    try {
        if (options.check) return check(options);
        if (options.cat) return cat(options);
        if (options.all) return launch(options);
        if (Result<void> hardened = unit::harden(); !hardened) return report({hardened.error()});
        return serve(options, log);
    } catch (const std::exception& defect) {
        log.error(std::string("ended by a defect: ") + defect.what());
        return 70;  // EX_SOFTWARE
    }
}
