// SPDX-License-Identifier: Apache-2.0
// The facts of contexts as mutuald-keys tells them, unasked, when it establishes them: whoever needs them has
// them by the time that mutuald-channel names the context, and saves a question on the way of every opening.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "daemon/broker/connection_pool.h"
#include "daemon/broker/keys_messages.h"

namespace mutual::broker {

class ToldFacts {
public:
    using Clock = std::chrono::steady_clock;

    // So long, and so many, those are kept that nobody takes: with more, mutuald-keys shall keep them. And so
    // long one is waited for that may be on its way.
    struct Bounds {
        Clock::duration kept = std::chrono::seconds(120);
        std::size_t most = 65536;
        Clock::duration patience = std::chrono::seconds(1);
    };

    ToldFacts(asio::io_context& loop, ConnectionPool& keys, Bounds bounds);

    // What was told already; given out once. While nobody tells, this has mutuald-keys asked to: so an idle
    // broker does not start it.
    std::optional<Facts> take(const std::string& context);
    // Whether those of a context that is named now, and are not here, are on their way: they were not there
    // before mutuald-keys began to tell.
    bool tells_all() const;
    // Waits for those that are on their way. Nothing: they do not come.
    asio::awaitable<std::optional<Facts>> wait(std::string context);

private:
    struct Kept {
        Facts facts;
        Clock::time_point until;
    };
    // Shared with what listens, which may outlive this object.
    struct State {
        State(asio::io_context& event_loop, ConnectionPool& pool, Bounds all)
            : loop(event_loop), keys(pool), bounds(all) {}
        asio::io_context& loop;
        ConnectionPool& keys;
        Bounds bounds;
        bool is_listening = false;  // mutuald-keys was asked to tell, at least
        std::optional<Clock::time_point> told_since;
        std::map<std::string, Kept> kept;
        Clock::time_point next_sweep;
        std::multimap<std::string, asio::steady_timer*> waiting;  // each wakes one take()

        bool keep(const varlink::Reply& reply);
        std::optional<Facts> take(const std::string& context);
        void sweep(Clock::time_point now);
        void give_up();
    };
    static asio::awaitable<void> listen(std::shared_ptr<State> state);

    std::shared_ptr<State> state_;
};

}  // namespace mutual::broker
