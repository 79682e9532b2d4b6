// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/offering.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>

#include "varlink/deadline.h"

namespace mutual::broker {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds first_pause{100};
constexpr milliseconds longest_pause{5000};
// mutuald-plugin takes 5 s for one program at the most.
constexpr milliseconds patience_with_rpcbind{6000};

Error no_answer() {
    return {Code::timed_out, Stage::discovery, "mutuald-plugin has not answered yet",
            "it goes on trying; its log says what is wrong"};
}

}  // namespace

Offering::Offering(Broker& broker, const config::Service& service)
    : broker_(broker), service_(service.name), wanted_(order_of(service)), event_(broker.loop) {}

Offering::Order Offering::order_of(const config::Service& service) const {
    const config::Accept& accept = *service.accept;
    Order order{service.transport, broker_.configuration->protection(service.transport),
                service.options,   accept.keytab,
                accept.principals, accept.address,
                accept.port,       accept.limits};
    if (service.rpc && accept.rpc.is_registered) {
        order.rpc_program = service.rpc->program;
        order.rpc_versions = service.rpc->versions;
    }
    return order;
}

void Offering::use(const config::Service& service) {
    Order order = order_of(service);
    if (wanted_ == order) return;
    wanted_ = std::move(order);
    has_changed_ = true;
    event_.cancel();
}

void Offering::withdraw() {
    wanted_.reset();
    has_changed_ = true;
    event_.cancel();
}

asio::awaitable<Result<Endpoint>> Offering::listen(Order wanted, std::vector<UniqueFd> grants) {
    ListenOrder order;
    order.service = service_;
    order.endpoint = Endpoint{wanted.address, wanted.port};
    order.options = boost::json::parse(wanted.options).as_object();
    order.connections = wanted.limits.connections;
    order.handshakes = wanted.limits.handshakes;
    order.handshake_timeout = wanted.limits.handshake_timeout;
    order.idle = wanted.limits.idle_timeout;
    order.grants = std::move(grants);
    co_return co_await broker_.channel(wanted.transport).listen(std::move(order));
}

asio::awaitable<Result<void>> Offering::offer(Order order) {
    if (!transport_.empty() && transport_ != order.transport) co_await close();
    transport_ = order.transport;  // an earlier broker may have offered it there
    Result<ChannelProgram> program = co_await broker_.channel(order.transport).status();
    if (!program) co_return program.error();
    Result<AcceptingGrants> grants = co_await broker_.keys.accept(service_, order.keytab, order.principals,
                                                                  order.protection, program->loops);
    if (!grants) co_return grants.error();
    Result<Endpoint> endpoint = co_await listen(order, std::move(grants->grants));
    if (!endpoint) {
        // It may have closed the earlier listener to make room.
        co_await close();
        co_return endpoint.error();
    }
    const bool replaces_own = generation_ != 0;
    generation_ = grants->generation;
    if (replaces_own) {
        earlier_end_ = steady_clock::now() + order.limits.handshake_timeout;
    } else {
        // What an earlier broker obtained must not accept any longer.
        Result<void> revoked = co_await broker_.keys.revoke(service_, generation_);
        if (!revoked) co_return revoked.error();
    }
    listening_ = "listening on " + endpoint->text();
    offered_ = order;
    state_ = listening_;
    phase_ = State::listening;
    std::string keys;
    for (const std::string& key : grants->keys) keys.append(keys.empty() ? "" : ", ").append(key);
    broker_.log.info("offers '" + service_ + "' on " + endpoint->text() + " with " + keys,
                     {{unit::Field::service, service_}, {unit::Field::decision, "offered"}});
    co_await register_rpc(std::move(order), *endpoint);
    co_return Result<void>();
}

// Whoever knows the port can do without it. mutuald-plugin tries again where it fails.
asio::awaitable<void> Offering::register_rpc(Order order, Endpoint endpoint) {
    if (order.rpc_program == 0) co_return co_await unregister_rpc();
    is_registered_ = true;
    auto asking = broker_.plugins.register_rpc(service_, order.rpc_program, std::move(order.rpc_versions),
                                               endpoint.address, endpoint.port);
    const Result<void> done = co_await varlink::with_deadline(
        broker_.loop, std::move(asking), steady_clock::now() + patience_with_rpcbind, no_answer());
    if (done) {
        state_ = listening_ + ", registered in rpcbind";
        co_return;
    }
    state_ = listening_ + "; rpcbind does not know it: " + to_string(done.error());
    broker_.log.warning("rpcbind does not know '" + service_ + "': " + to_string(done.error()),
                        {{unit::Field::service, service_}});
}

// mutuald-plugin tries again here, too, and goes on where nobody waits; away, it has taken its registrations
// with it.
asio::awaitable<void> Offering::unregister_rpc() {
    if (!std::exchange(is_registered_, false)) co_return;
    [[maybe_unused]] const Result<void> done =
        co_await varlink::with_deadline(broker_.loop, broker_.plugins.unregister_rpc(service_),
                                        steady_clock::now() + patience_with_rpcbind, no_answer());
}

asio::awaitable<void> Offering::close() {
    Result<void> closed = co_await broker_.channel(transport_).unlisten(service_);
    // A program that was restarted has forgotten it, and one that is away does not listen.
    if (!closed && closed.error().code != Code::unknown_service && closed.error().code != Code::unavailable)
        broker_.log.error("does not stop offering '" + service_ + "': " + to_string(closed.error()),
                          {{unit::Field::service, service_}});
    Result<void> revoked = co_await broker_.keys.revoke(service_, every_generation);
    if (!revoked && revoked.error().code != Code::unavailable)
        broker_.log.error("does not revoke the grants of '" + service_ + "': " + to_string(revoked.error()),
                          {{unit::Field::service, service_}});
    transport_.clear();
    offered_.reset();
    generation_ = 0;
    earlier_end_.reset();
    co_await unregister_rpc();
}

asio::awaitable<void> Offering::tell_when_gone(std::shared_ptr<Watched> watched, std::size_t index) {
    const std::shared_ptr<varlink::Connection> connection = watched->connections[index];
    co_await connection->hung_up();
    // Closed by ourselves, when nobody waits any more and this object may be gone.
    if (watched->is_gone) co_return;
    watched->is_gone = true;
    event_.cancel();
}

Result<std::shared_ptr<Offering::Watched>> Offering::watch(const Order& order) {
    auto watched = std::make_shared<Watched>();
    std::vector<ConnectionPool*> pools{&broker_.programs.keys,
                                       &broker_.programs.channels.at(order.transport)};
    if (order.rpc_program != 0) pools.push_back(&broker_.programs.plugins);
    for (ConnectionPool* pool : pools) {
        Result<std::unique_ptr<varlink::Connection>> connection = pool->connect();
        if (!connection) return connection.error();
        watched->connections.emplace_back(std::move(*connection));
    }
    return watched;
}

asio::awaitable<void> Offering::until_changed_or_gone(std::shared_ptr<Watched> watched) {
    for (std::size_t i = 0; i < watched->connections.size(); ++i)
        asio::co_spawn(broker_.loop, tell_when_gone(watched, i), [](std::exception_ptr) {});
    while (!has_changed_ && !watched->is_gone) {
        event_.expires_at(earlier_end_.value_or(steady_clock::time_point::max()));
        boost::system::error_code ended;
        co_await event_.async_wait(asio::redirect_error(asio::use_awaitable, ended));
        if (!earlier_end_ || steady_clock::now() < *earlier_end_) continue;
        earlier_end_.reset();
        [[maybe_unused]] const Result<void> revoked = co_await broker_.keys.revoke(service_, generation_);
    }
    watched->is_gone = true;
    for (const auto& connection : watched->connections) connection->close();
}

// A new order could not be carried out. Keys that are not wanted any more must not accept any longer;
// everything else may be as it was.
asio::awaitable<void> Offering::failed(Order order, Error error) {
    // By an earlier broker, it may be offered with whatever keys; none are left where mutuald-keys is away.
    bool has_other_keys = !offered_ && error.code != Code::unavailable;
    if (offered_)
        has_other_keys = offered_->keytab != order.keytab || offered_->principals != order.principals;
    if (has_other_keys) {
        if (transport_.empty()) transport_ = order.transport;
        co_await close();
    }
    if (offered_) error.message += "; until then as before: " + listening_;
    complain(error);
}

void Offering::complain(const Error& error) {
    std::string state = to_string(error);
    const std::string what = offered_ ? "does not offer as it should '" : "does not offer '";
    if (state != state_)
        broker_.log.error(what + service_ + "': " + state,
                          {{unit::Field::service, service_}, {unit::Field::decision, "not_offered"}});
    state_ = std::move(state);
    phase_ = State::failed;
}

asio::awaitable<void> Offering::run() {
    milliseconds pause = first_pause;
    while (wanted_) {
        has_changed_ = false;
        const Order order = *wanted_;
        // Watched from before the grants are asked for: a program that is restarted meanwhile has lost them.
        Result<std::shared_ptr<Watched>> watched = watch(order);
        Result<void> offered;
        if (watched)
            offered = co_await offer(order);
        else
            offered = watched.error();
        if (offered) {
            pause = first_pause;
            co_await until_changed_or_gone(std::move(*watched));
            if (!has_changed_) {
                phase_ = State::starting;
                state_ = "a program of the daemon ended; starting again";
                generation_ = 0;
                offered_.reset();
            }
        } else {
            co_await failed(order, offered.error());
        }
        if (!has_changed_) {
            event_.expires_after(pause);
            boost::system::error_code ended;
            co_await event_.async_wait(asio::redirect_error(asio::use_awaitable, ended));
        }
        if (!offered) pause = std::min(pause * 2, longest_pause);
        if (wanted_) continue;
        if (!transport_.empty()) co_await close();
    }
}

}  // namespace mutual::broker
