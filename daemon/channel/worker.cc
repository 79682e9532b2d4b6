// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/worker.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <utility>

namespace mutual::channel {
namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

microseconds since(Instant begin) {
    return std::chrono::duration_cast<microseconds>(steady_clock::now() - begin);
}

}  // namespace

// What is on the loop goes before it.
Worker::~Worker() {
    initiating_.clear();
    accepting_.clear();
}

// Initiating

void Worker::initiate(std::uint64_t order, InitiateOrder what, Finished finished) {
    ++handshakes_;
    auto told =
        std::make_shared<Finished>([this, order, finished = std::move(finished)](InitiateOutcome outcome) {
            --handshakes_;
            initiating_.erase(order);
            finished(std::move(outcome));
        });
    auto outcome = std::make_shared<InitiateOutcome>();
    auto initiating = std::make_shared<Initiating>();
    initiating_[order] = initiating;
    // The signal's memory is the coroutine's own: it stays until that has ended, whatever is told before.
    auto ended = [told, outcome, initiating](std::exception_ptr failure) {
        if (failure) (*told)(std::move(*outcome));  // it was cancelled
    };
    auto connecting =
        connect_and_start(order, std::make_shared<InitiateOrder>(std::move(what)), told, outcome);
    asio::co_spawn(loop_.context(), std::move(connecting),
                   asio::bind_cancellation_slot(initiating->cancellation.slot(), std::move(ended)));
}

asio::awaitable<void> Worker::connect_and_start(std::uint64_t order, std::shared_ptr<InitiateOrder> what,
                                                std::shared_ptr<Finished> finished,
                                                std::shared_ptr<InitiateOutcome> outcome) {
    const Instant begin = steady_clock::now();
    auto attempts = std::make_shared<std::vector<Attempt>>();
    Result<Connected> connected =
        co_await connect_to_any(loop_.context(), what->endpoints, what->deadline, attempts);
    outcome->connecting = since(begin);
    outcome->attempts = std::move(*attempts);
    if (connected) {
        start_initiating(order, *what, std::move(*connected), std::move(finished), std::move(outcome));
    } else {
        outcome->channel = connected.error();
        (*finished)(std::move(*outcome));
    }
}

void Worker::start_initiating(std::uint64_t order, InitiateOrder& what, Connected connected,
                              std::shared_ptr<Finished> finished, std::shared_ptr<InitiateOutcome> outcome) {
    ChannelSetup setup;
    setup.facts = std::move(what.facts);
    setup.facts.endpoint = connected.endpoint;
    setup.facts.loop = index_;
    setup.options = std::move(what.options);
    setup.deadline = what.deadline;
    setup.idle = what.idle;
    setup.network = std::move(connected.socket);
    setup.program_follows = !what.program;
    setup.program = std::move(what.program);
    setup.grant = std::make_shared<GrantClient>(loop_, std::move(what.grant));
    const std::string id = setup.facts.channel;
    Channel::Observer observer;
    observer.handshake_finished = [finished = std::move(finished), outcome = std::move(outcome),
                                   begin = steady_clock::now()](Result<ChannelFacts> result) {
        outcome->handshake = since(begin);
        outcome->channel = std::move(result);
        (*finished)(std::move(*outcome));
    };
    observer.over = [this, id, service = setup.facts.service](const std::optional<Error>& error) {
        established_.erase(id);
        if (error) log_end(service, id, *error);
    };
    observer.not_renewed = [this, id, service = setup.facts.service](const Error& error) {
        surroundings_.log.warning("does not renew a channel's context: " + to_string(error),
                                  {{unit::Field::service, service}, {unit::Field::channel, id}});
    };
    auto channel =
        std::make_shared<Channel>(loop_, surroundings_.table, std::move(setup), std::move(observer));
    initiating_[order]->channel = channel;
    established_[id] = channel;
    channel->start(surroundings_.transport);
}

void Worker::abandon(std::uint64_t order) {
    const auto found = initiating_.find(order);
    if (found == initiating_.end()) return;
    const auto initiating = found->second;
    if (const auto channel = initiating->channel)
        channel->abandon();
    else
        initiating->cancellation.emit(asio::cancellation_type::terminal);
}

// Accepting

void Worker::offer(std::shared_ptr<const AcceptingService> service, UniqueFd grant) {
    const std::uint64_t offer = ++offers_;
    auto lost = [this, name = service->name, offer](const Error& why) { grant_lost(name, offer, why); };
    Accepting accepting{offer, service,
                        std::make_shared<GrantClient>(loop_, std::move(grant), std::move(lost))};
    accepting_[service->name] = std::move(accepting);
}

void Worker::grant_lost(const std::string& service, std::uint64_t offer, const Error& why) const {
    const auto found = accepting_.find(service);
    if (found == accepting_.end() || found->second.offer != offer) return;  // withdrawn or replaced
    surroundings_.log.error("accepts nobody until the service is offered again: " + to_string(why),
                            {{unit::Field::service, service}});
    if (surroundings_.ask_for_offers) surroundings_.ask_for_offers();
}

void Worker::withdraw(const std::string& service) { accepting_.erase(service); }

void Worker::accept(std::shared_ptr<const AcceptingService> service, UniqueFd socket, Endpoint peer,
                    Instant since) {
    const auto found = accepting_.find(service->name);
    const auto counts = service->counts;
    if (found == accepting_.end()) {  // withdrawn meanwhile
        --counts->connections;
        --counts->handshakes;
        return;
    }
    ++handshakes_;
    ChannelSetup setup;
    setup.facts.role = Role::acceptor;
    setup.facts.service = service->name;
    setup.facts.endpoint = peer;
    setup.facts.loop = index_;
    setup.options = service->options;
    setup.deadline = since + service->limits.handshake_time;
    setup.idle = service->limits.idle;
    setup.network = std::move(socket);
    setup.grant = found->second.grant;
    setup.broker = broker_;
    auto id = std::make_shared<std::string>();
    auto self = std::make_shared<std::weak_ptr<Channel>>();
    Channel::Observer observer;
    observer.handshake_finished = [this, counts, id, self, name = service->name,
                                   peer](Result<ChannelFacts> result) {
        --handshakes_;
        --counts->handshakes;
        log_handshake(name, peer, result);
        if (!result) return;
        *id = result->channel;
        established_[*id] = *self;
    };
    observer.over = [this, counts, id, name = service->name](const std::optional<Error>& error) {
        --counts->connections;
        established_.erase(*id);
        if (error) log_end(name, *id, *error);
    };
    observer.not_renewed = [this, id, name = service->name](const Error& error) {
        surroundings_.log.notice("refused a further context of a channel: " + to_string(error),
                                 {{unit::Field::service, name}, {unit::Field::channel, *id}});
    };
    auto channel =
        std::make_shared<Channel>(loop_, surroundings_.table, std::move(setup), std::move(observer));
    *self = channel;
    channel->start(surroundings_.transport);
}

void Worker::log_handshake(const std::string& service, const Endpoint& peer,
                           const Result<ChannelFacts>& result) const {
    unit::LogFields fields{{unit::Field::service, service}, {unit::Field::peer, to_string(peer)}};
    if (!result) return surroundings_.log.notice("refused a peer: " + to_string(result.error()), fields);
    fields.push_back({unit::Field::channel, result->channel});
    surroundings_.log.debug("accepted " + result->initiator, fields);
}

void Worker::log_end(const std::string& service, const std::string& channel, const Error& error) const {
    surroundings_.log.notice("a channel ended: " + to_string(error),
                             {{unit::Field::service, service}, {unit::Field::channel, channel}});
}

void Worker::attach(const std::string& id, UniqueFd program) {
    const auto found = established_.find(id);
    if (found == established_.end()) return;
    if (const auto channel = found->second.lock()) channel->attach(std::move(program));
}

void Worker::close(const std::string& id, Verdict verdict) {
    const auto found = established_.find(id);
    if (found == established_.end()) return;
    if (const auto channel = found->second.lock()) channel->close(verdict);
}

void Worker::clock_was_set() {
    std::vector<std::shared_ptr<Channel>> channels;  // those that end leave the table
    for (const auto& [id, established] : established_)
        if (auto channel = established.lock()) channels.push_back(std::move(channel));
    for (const auto& channel : channels) channel->clock_was_set();
}

}  // namespace mutual::channel
