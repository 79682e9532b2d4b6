// SPDX-License-Identifier: Apache-2.0
// mutuald-channel: loads one transport plugin, connects and listens as the broker orders, and moves the bytes
// of channels. It holds session keys of its channels, never a keytab or a credential cache.
#include <krb5/krb5.h>
#include <signal.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>

#include "daemon/channel/load_transport.h"
#include "daemon/channel/options.h"
#include "daemon/channel/orders.h"
#include "daemon/unit/account.h"
#include "daemon/unit/clock_watch.h"
#include "daemon/unit/hardening.h"
#include "daemon/unit/log_order.h"
#include "daemon/unit/notify.h"
#include "daemon/unit/watchdog.h"
#include "varlink/listener.h"

namespace mutual::channel {
namespace {

Result<UniqueFd> orders_socket(const Options& options, unit::PassedSockets& passed) {
    if (options.socket.empty()) return passed.take("channel");
    // Whoever may connect is decided by uid, not by the file's mode.
    return varlink::listen_unix(options.socket, 0666);
}

// A defect on any loop ends them all.
struct Defect {
    const unit::Log& log;
    EventLoop& control;
    std::atomic<bool> happened{false};

    void end_all(const std::exception_ptr& failure) {
        if (!failure) return;
        happened = true;
        try {
            std::rethrow_exception(failure);
        } catch (const std::exception& defect) {
            log.error(std::string("an event loop ended by a defect: ") + defect.what());
        } catch (...) {
            log.error("an event loop ended by a defect");
        }
        control.stop();
    }
};

void run_loop(EventLoop& loop, Defect& defect) {
    try {
        loop.run();
    } catch (...) {
        defect.end_all(std::current_exception());
    }
}

// Once a second for all channels, so that none has to.
asio::awaitable<void> watch_clock(Workers& workers) {
    using std::chrono::steady_clock, std::chrono::system_clock;
    unit::ClockWatch watch(steady_clock::now(), system_clock::now());
    asio::steady_timer timer(workers.front()->loop().context());
    for (;;) {
        timer.expires_after(std::chrono::seconds(1));
        co_await timer.async_wait(asio::use_awaitable);
        if (!watch.was_set(steady_clock::now(), system_clock::now())) continue;
        for (const auto& worker : workers) worker->loop().post([&worker] { worker->clock_was_set(); });
    }
}

void run(Workers& workers, Defect& defect) {
    std::vector<std::thread> threads;
    for (std::size_t i = 1; i < workers.size(); ++i)
        threads.emplace_back([&worker = *workers[i], &defect] { run_loop(worker.loop(), defect); });
    run_loop(workers.front()->loop(), defect);
    for (const auto& worker : workers) worker->loop().stop();
    for (auto& thread : threads) thread.join();
}

Result<void> serve(const Options& options, const unit::Log& log) {
    auto passed = unit::PassedSockets::from_environment();
    if (!passed) return passed.error();
    auto socket = orders_socket(options, *passed);
    if (!socket) return socket.error();
    auto broker = unit::find_user(options.broker_user);
    if (!broker) return broker.error();
    auto transport = load_transport(options, log);
    if (!transport) return transport.error();

    // While this context lives libkrb5 keeps what it read of krb5.conf, and does not read it for each channel
    // unless that file has changed; what it includes is not looked at.
    krb5_context keeps_profile = nullptr;
    (void)krb5_init_context(&keeps_profile);
    ChannelTable table;
    Surroundings surroundings{**transport, table, log, options.admission_socket};
    const LingerBound bound;  // before what is closed in the end
    if (!bound.holds()) log.warning(no_linger_bound);
    Workers workers;
    for (std::size_t i = 0; i < options.loops; ++i)
        workers.push_back(std::make_unique<Worker>(i, surroundings));
    EventLoop& control = workers.front()->loop();
    Orders orders(surroundings, workers, options.transport, std::move(*passed));
    const auto complain = [&log](std::string_view text) { log.warning(text); };
    Defect defect{log, control};
    const auto ended = [&defect](std::exception_ptr failure) { defect.end_all(failure); };
    const auto service = orders.service();
    unit::add_log_order(*service, "org.mutuald.Channel", log);
    surroundings.ask_for_offers = [&control, service] { control.post([service] { service->hang_up(); }); };
    auto listening =
        varlink::listen(control.context(), std::move(*socket), service,
                        varlink::only_uid(broker->uid, complain), varlink::internal_limits, complain);
    asio::co_spawn(control.context(), std::move(listening), ended);
    asio::co_spawn(control.context(), unit::feed_watchdog(), ended);
    asio::co_spawn(control.context(), watch_clock(workers), ended);
    asio::signal_set signals(control.context(), SIGTERM, SIGINT);
    signals.async_wait([&control](boost::system::error_code, int) { control.stop(); });
    unit::notify_ready("transport " + options.transport);
    run(workers, defect);
    unit::notify_stopping();
    if (defect.happened) return Error{Code::internal, Stage::channel, "the event loops were ended"};
    return {};
}

}  // namespace
}  // namespace mutual::channel

namespace {

int exit_status(const mutual::Error& error) {
    if (error.code == mutual::Code::invalid_configuration) return 78;  // EX_CONFIG
    return error.code == mutual::Code::internal ? 70 : 1;              // EX_SOFTWARE
}

}  // namespace

int main(int argc, char** argv) {
    using namespace mutual;
    const auto log = unit::system_log("mutuald-channel");
    channel::Options options;
    if (const int status = channel::read_options(argc, argv, options); status >= 0) return status;
    auto done = unit::harden();
    if (done) done = channel::serve(options, log);
    if (done) return 0;
    log.error(to_string(done.error()));
    return exit_status(done.error());
}
