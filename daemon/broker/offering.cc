// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/offering.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "varlink/deadline.h"

namespace mutual::broker {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_pause{100};
constexpr milliseconds longest_pause{5000};
constexpr std::int64_t every_generation = (std::int64_t{1} << 53) - 1;

asio::awaitable<void> tell_when_gone(std::shared_ptr<varlink::Connection> watched,
                                     std::shared_ptr<asio::steady_timer> event) {
    co_await watched->hung_up();
    event->cancel();
}

// Whether the configuration has this service accept over this transport.
bool accepts(const Broker& broker, const std::string& name, const std::string& transport) {
    const config::Service* service = broker.configuration->service(name);
    return service != nullptr && service->accept && service->transport == transport;
}

// mutuald-channel outlives a broker, and so does what that broker offered.
asio::awaitable<Result<void>> withdraw_others(Broker& broker, std::string transport) {
    ChannelClient& channel = broker.channel(transport);
    Result<ChannelProgram> program = co_await channel.status();
    if (!program) co_return program.error();
    for (const std::string& service : program->services) {
        if (accepts(broker, service, transport)) continue;
        Result<void> withdrawn = co_await channel.unlisten(service);
        if (!withdrawn) co_return withdrawn.error();
        Result<void> revoked = co_await broker.keys.revoke(service, every_generation);
        if (!revoked) co_return revoked.error();
        broker.log.info("does not offer '" + service + "' any more", {{unit::Field::service, service}});
    }
    co_return Result<void>();
}

}  // namespace

asio::awaitable<void> offer_all(Broker& broker, std::string transport, std::vector<Offering*> offerings) {
    asio::steady_timer timer(broker.loop);
    milliseconds pause = first_pause;
    for (;;) {
        Result<void> withdrawn = co_await withdraw_others(broker, transport);
        if (withdrawn) break;
        for (Offering* offering : offerings) offering->complain(withdrawn.error());
        timer.expires_after(pause);
        co_await timer.async_wait(asio::use_awaitable);
        pause = std::min(pause * 2, longest_pause);
    }
    const auto rethrow = [](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
    };
    for (Offering* offering : offerings) asio::co_spawn(broker.loop, offering->run(), rethrow);
}

asio::awaitable<Result<Endpoint>> Offering::listen(std::vector<UniqueFd> grants) {
    const config::Accept& accept = *service_.accept;
    ListenOrder order;
    order.service = service_.name;
    order.endpoint = Endpoint{accept.address, accept.port};
    order.options = wire_options(service_);
    order.connections = accept.limits.connections;
    order.handshakes = accept.limits.handshakes;
    order.handshake_timeout = accept.limits.handshake_timeout;
    order.idle = accept.limits.idle_timeout;
    order.grants = std::move(grants);
    co_return co_await broker_.channel(service_.transport).listen(std::move(order));
}

asio::awaitable<Result<void>> Offering::offer() {
    Result<ChannelProgram> program = co_await broker_.channel(service_.transport).status();
    if (!program) co_return program.error();
    const config::Accept& accept = *service_.accept;
    Result<AcceptingGrants> grants =
        co_await broker_.keys.accept(service_.name, accept.keytab, accept.principals, program->loops);
    if (!grants) co_return grants.error();
    Result<Endpoint> endpoint = co_await listen(std::move(grants->grants));
    if (!endpoint) co_return endpoint.error();
    // What an earlier broker obtained must not accept any longer.
    Result<void> revoked = co_await broker_.keys.revoke(service_.name, grants->generation);
    if (!revoked) co_return revoked.error();
    state_ = "listening on " + endpoint->text();
    phase_ = State::listening;
    std::string keys;
    for (const std::string& key : grants->keys) keys.append(keys.empty() ? "" : ", ").append(key);
    broker_.log.info("offers '" + service_.name + "' on " + endpoint->text() + " with " + keys,
                     {{unit::Field::service, service_.name}});
    co_return Result<void>();
}

Result<Offering::Watched> Offering::watch() {
    Watched watched;
    for (ConnectionPool* pool : {&broker_.programs.keys, &broker_.programs.channels.at(service_.transport)}) {
        Result<std::unique_ptr<varlink::Connection>> connection = pool->connect();
        if (!connection) return connection.error();
        watched.emplace_back(std::move(*connection));
    }
    return watched;
}

asio::awaitable<void> Offering::until_one_ends(Watched watched) {
    auto event = std::make_shared<asio::steady_timer>(broker_.loop, asio::steady_timer::time_point::max());
    for (const auto& one : watched)
        asio::co_spawn(broker_.loop, tell_when_gone(one, event), [](std::exception_ptr) {});
    boost::system::error_code ended;
    co_await event->async_wait(asio::redirect_error(asio::use_awaitable, ended));
    for (const auto& one : watched) one->close();
}

void Offering::complain(const Error& error) {
    std::string state = to_string(error);
    if (state != state_)
        broker_.log.error("does not offer '" + service_.name + "': " + state,
                          {{unit::Field::service, service_.name}});
    state_ = std::move(state);
    phase_ = State::failed;
}

asio::awaitable<void> Offering::run() {
    asio::steady_timer timer(broker_.loop);
    milliseconds pause = first_pause;
    for (;;) {
        // Watched from before the grants are asked for: a program that is restarted meanwhile has lost them.
        Result<Watched> watched = watch();
        Result<void> offered;
        if (watched)
            offered = co_await offer();
        else
            offered = watched.error();
        if (offered) {
            pause = first_pause;
            co_await until_one_ends(std::move(*watched));
            phase_ = State::starting;
            state_ = "a program of the daemon ended; starting again";
        } else {
            complain(offered.error());
        }
        timer.expires_after(pause);
        co_await timer.async_wait(asio::use_awaitable);
        if (!offered) pause = std::min(pause * 2, longest_pause);
    }
}

}  // namespace mutual::broker
