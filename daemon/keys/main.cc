// SPDX-License-Identifier: Apache-2.0
// mutuald-keys: the only program that reads keytabs and credential caches. Performs the steps of handshakes
// that the broker granted; keys never leave it. With --fetcher it is a helper process that is a ticket's
// owner.
#include <sys/stat.h>
#include <sysexits.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "daemon/keys/fetcher_program.h"
#include "daemon/keys/krb5_handle.h"
#include "daemon/keys/options.h"
#include "daemon/keys/server.h"
#include "daemon/unit/account.h"
#include "daemon/unit/hardening.h"
#include "daemon/unit/log_order.h"
#include "daemon/unit/notify.h"
#include "daemon/unit/passed_sockets.h"
#include "daemon/unit/watchdog.h"
#include "varlink/listener.h"

namespace mutual::keys {
namespace {

Result<void> make_runtime_directory(const std::string& path) {
    struct stat status {};
    if (::mkdir(path.c_str(), 0700) == 0) return {};
    if (errno == EEXIST && ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
        status.st_uid == ::geteuid() && (status.st_mode & (S_IWGRP | S_IRWXO)) == 0)
        return {};
    const std::string why = errno == EEXIST ? "it must be a directory of ours alone" : std::strerror(errno);
    return Error(Code::invalid_configuration, Stage::request,
                 "use the runtime directory " + path + ": " + why);
}

Result<UniqueFd> listening_socket(const Options& options) {
    auto passed = unit::PassedSockets::from_environment();
    if (!passed) return std::move(passed).error();
    if (options.socket.empty()) return passed->take("keys");
    // Whoever may connect is decided by uid, not by the file's mode.
    return varlink::listen_unix(options.socket, 0666);
}

Result<void> serve(const Options& options, const unit::Log& log) {
    if (auto hardened = unit::harden(); !hardened) return hardened;
    if (auto made = make_runtime_directory(options.runtime_directory); !made) return made;
    auto broker = unit::find_user(options.broker_user);
    if (!broker) return std::move(broker).error();
    auto listener = listening_socket(options);
    if (!listener) return std::move(listener).error();
    auto image = ChildImage::of_this_program();
    if (!image) return std::move(image).error();

    // libkrb5 shares what it read of krb5.conf between contexts while one of them lives, and looks each time
    // whether that file has changed; not whether one has that it includes. Without this one each handshake
    // would read it a dozen times.
    (void)lasting_krb5_context();
    const LingerBound bound;  // before what is closed in the end
    if (!bound.holds()) log.warning(no_linger_bound);
    asio::io_context loop(1);
    const varlink::Service::Complaint complaint = [&log](std::string_view text) { log.warning(text); };
    Server server(loop, std::move(*image), options.rules, complaint);
    std::string defect;  // none of these ends by itself
    const auto ended = [&loop, &defect](std::exception_ptr failure) {
        loop.stop();
        defect = "it ended";
        try {
            if (failure) std::rethrow_exception(failure);
        } catch (const std::exception& thrown) {
            defect = thrown.what();
        }
    };
    const auto service = server.service();
    unit::add_log_order(*service, "org.mutuald.Keys", log);
    asio::co_spawn(
        loop,
        varlink::listen(loop, std::move(*listener), service, varlink::only_uid(broker->uid, complaint),
                        varlink::internal_limits, complaint),
        ended);
    asio::co_spawn(loop, server.sweep(), ended);
    asio::co_spawn(loop, unit::feed_watchdog(), [](std::exception_ptr) {});
    asio::signal_set signals(loop, SIGTERM, SIGINT);
    signals.async_wait([&loop](const boost::system::error_code&, int) { loop.stop(); });
    unit::notify_ready("serving grants");
    loop.run();
    unit::notify_stopping();
    if (!defect.empty())
        return Error(Code::internal, Stage::request, "run the event loop: a part of it failed: " + defect);
    return {};
}

// <sysexits.h>: the unit is not started again after EX_CONFIG.
int status_of(Code code) {
    if (code == Code::invalid_configuration) return EX_CONFIG;
    return code == Code::internal ? EX_SOFTWARE : EXIT_FAILURE;
}

int run(const std::vector<std::string>& arguments) {
    if (!arguments.empty() && arguments[0] == "--fetcher")
        return run_fetcher(std::span(arguments).subspan(1));
    auto options = parse_options(arguments);
    if (options && options->help) return std::cout << usage(), 0;
    if (options && options->version) return std::cout << "mutuald-keys " MUTUAL_VERSION "\n", 0;
    if (options) arrange_environment(*options);
    const unit::Log log = unit::system_log("mutuald-keys");
    Result<void> served = options ? serve(*options, log) : Result<void>(options.error());
    if (served) return 0;
    log.error(to_string(served.error()));
    return options ? status_of(served.error().code) : 2;
}

}  // namespace
}  // namespace mutual::keys

int main(int count, char** values) {
    return mutual::keys::run(std::vector<std::string>(values + 1, values + count));
}
