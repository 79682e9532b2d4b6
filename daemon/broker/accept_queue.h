// SPDX-License-Identifier: Apache-2.0
// Local programs that wait in Accept, and admitted handshakes that wait for one of them; per service, first
// come, first served.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "daemon/broker/channel_client.h"
#include "daemon/broker/delivered.h"
#include "mutual/error.h"
#include "varlink/unique_fd.h"

namespace mutual::broker {

class AcceptQueue {
public:
    using Clock = std::chrono::steady_clock;

    // Asked after the configuration has changed. Empty: always.
    using MayWait = std::function<Result<void>()>;

    // One call of Accept.
    struct Waiter {
        Waiter(asio::io_context& loop, uid_t caller_uid, std::string caller_unit, bool by_upgrade)
            : event(loop, Clock::time_point::max()),
              uid(caller_uid),
              unit(std::move(caller_unit)),
              upgrade(by_upgrade) {}
        asio::steady_timer event;
        uid_t uid;
        std::string unit;  // if anyone asked for it
        bool upgrade;      // its API connection becomes the channel
        std::optional<Accepted> accepted;
        bool taken = false;  // a handshake is being finished for it
        bool gone = false;   // the caller hung up
        MayWait may_wait;
        std::optional<Error> refused;
    };

    explicit AcceptQueue(asio::io_context& loop) : loop_(loop) {}

    // timed_out if no channel came before the deadline.
    asio::awaitable<Result<Accepted>> wait(std::string service, uid_t uid, std::string unit,
                                           Clock::time_point deadline, bool upgrade = false,
                                           MayWait may_wait = {});
    // Ends the calls that may not wait any longer. A call that was taken gets its channel.
    void reconsider();

    // The longest-waiting call, taken out of the queue; waits for one until the deadline. limit: more than
    // `most` handshakes wait already.
    asio::awaitable<Result<std::shared_ptr<Waiter>>> take(std::string service, Clock::time_point deadline,
                                                          std::size_t most);
    // Ends that call with a channel. If its caller is gone, the channel's program end is closed.
    static void fulfil(const std::shared_ptr<Waiter>& waiter, Accepted accepted);
    // The handshake failed: the call waits again, as the first.
    void give_back(const std::string& service, const std::shared_ptr<Waiter>& waiter);
    // Calls that wait, of all services.
    std::size_t waiting() const;

private:
    struct Line {
        std::deque<std::shared_ptr<Waiter>> waiters;
        std::deque<asio::steady_timer*> handshakes;  // each wakes one take()
    };
    void wake_one(Line& line);
    static bool stays(const std::shared_ptr<Waiter>& waiter);

    asio::io_context& loop_;
    // Shared with the calls that wait: at the program's end they may be destroyed after the queue.
    std::shared_ptr<std::map<std::string, Line>> lines_ = std::make_shared<std::map<std::string, Line>>();
};

}  // namespace mutual::broker
