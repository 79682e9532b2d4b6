// SPDX-License-Identifier: Apache-2.0
// One event loop with the channels on it. Everything but the constructor and loop().post() is for the loop's
// thread.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/channel/channel.h"
#include "daemon/channel/connector.h"
#include "daemon/channel/requests.h"
#include "daemon/unit/log.h"

namespace mutual::channel {

// What all workers share; outlives them.
struct Surroundings {
    Transport& transport;  // session() is called from every loop's thread
    ChannelTable& table;
    const unit::Log& log;
    std::string admission_socket;
    // A grant to accept with is lost: makes the broker offer its services again. On any thread.
    std::function<void()> ask_for_offers = {};
};

struct InitiateOutcome {
    std::vector<Attempt> attempts;
    std::chrono::microseconds connecting{0};
    std::chrono::microseconds handshake{0};
    Result<ChannelFacts> channel =
        Error{Code::cancelled, Stage::connect, "whoever asked for the channel is gone"};
};

// How many connections of a service there are, over all loops and all its listeners.
struct AcceptCounts {
    std::atomic<std::size_t> connections{0};
    std::atomic<std::size_t> handshakes{0};
};

// A service as one Listen ordered it; the same object on all loops.
struct AcceptingService {
    std::string name;
    std::string options;
    AcceptLimits limits;
    std::shared_ptr<AcceptCounts> counts;
};

class Worker {
public:
    using Finished = std::function<void(InitiateOutcome)>;

    Worker(std::size_t index, const Surroundings& surroundings)
        : index_(index),
          surroundings_(surroundings),
          broker_(std::make_shared<BrokerConnections>(loop_.context(), surroundings.admission_socket)) {}
    ~Worker();

    EventLoop& loop() { return loop_; }
    std::size_t handshakes() const { return handshakes_; }  // from any thread

    // `finished` is told once, on this thread. `order` is the caller's number for abandon().
    void initiate(std::uint64_t order, InitiateOrder what, Finished finished);
    void abandon(std::uint64_t order);

    void offer(std::shared_ptr<const AcceptingService> service, UniqueFd grant);
    void withdraw(const std::string& service);
    void accept(std::shared_ptr<const AcceptingService> service, UniqueFd socket, Endpoint peer,
                Instant since);

    void attach(const std::string& channel, UniqueFd program);
    void close(const std::string& channel, Verdict verdict);
    void clock_was_set();

private:
    struct Initiating {
        asio::cancellation_signal cancellation;  // while it connects
        std::shared_ptr<Channel> channel;        // while its handshake goes on
    };
    struct Accepting {
        std::uint64_t offer = 0;
        std::shared_ptr<const AcceptingService> service;
        std::shared_ptr<GrantClient> grant;
    };

    asio::awaitable<void> connect_and_start(std::uint64_t order, std::shared_ptr<InitiateOrder> what,
                                            std::shared_ptr<Finished> finished,
                                            std::shared_ptr<InitiateOutcome> outcome);
    void start_initiating(std::uint64_t order, InitiateOrder& what, Connected connected,
                          std::shared_ptr<Finished> finished, std::shared_ptr<InitiateOutcome> outcome);
    void grant_lost(const std::string& service, std::uint64_t offer, const Error& why) const;
    void log_end(const std::string& service, const std::string& channel, const Error& error) const;
    void log_handshake(const std::string& service, const Endpoint& peer,
                       const Result<ChannelFacts>& result) const;

    const std::size_t index_;
    const Surroundings& surroundings_;
    std::atomic<std::size_t> handshakes_{0};
    std::uint64_t offers_ = 0;
    std::unordered_map<std::uint64_t, std::shared_ptr<Initiating>> initiating_;
    std::unordered_map<std::string, Accepting> accepting_;
    std::unordered_map<std::string, std::weak_ptr<Channel>> established_;
    EventLoop loop_;  // last but what is made with it: what it destroys tells us of its end
    std::shared_ptr<BrokerConnections> broker_;
};

}  // namespace mutual::channel
