// SPDX-License-Identifier: Apache-2.0
// Turns at the work of opening. One opening costs several programs some milliseconds of processor time each;
// a user who asks for a hundred at once would make everybody else wait for all of them. So few requests of
// one user are worked on at a time; while others ask too only one, with a rest after it, if more of that user
// wait in line, first come, first served. A request that takes long waits for something else than the
// processor: its turn ends, and it goes on.
#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>

namespace mutual::broker {

namespace asio = boost::asio;

class Turns {
public:
    using Clock = std::chrono::steady_clock;

    struct Bounds {
        std::size_t alone = 8;                                    // of one user, while nobody else asks
        std::size_t contended = 1;                                // of one user, while others ask
        Clock::duration longest = std::chrono::milliseconds(50);  // of a turn
        Clock::duration memory = std::chrono::seconds(1);  // so long after their last one, others count
        int rest = 3;                                      // times as long as the turn was, while others ask
    };

    explicit Turns(asio::io_context& loop) : Turns(loop, Bounds()) {}
    Turns(asio::io_context& loop, Bounds bounds);

    // The turn ends with this object, if not before.
    using Turn = std::shared_ptr<void>;
    // Waits for a turn of that user. When the waiting coroutine is cancelled, it leaves the line.
    asio::awaitable<Turn> take(uid_t uid);

    // Requests that wait for a turn.
    std::size_t waiting() const;

private:
    struct Line {
        std::size_t taken = 0;
        std::deque<asio::steady_timer*> waiting;  // each wakes one take(), to which the turn then belongs
        Clock::time_point last_seen;
        std::unique_ptr<asio::steady_timer> rest;  // while the next in line rests
    };
    struct State : std::enable_shared_from_this<State> {
        State(asio::io_context& event_loop, Bounds of_turns) : loop(event_loop), bounds(of_turns) {}
        asio::io_context& loop;
        Bounds bounds;
        std::map<uid_t, Line> lines;

        bool others_ask(uid_t uid) const;
        std::size_t bound_of(uid_t uid) const { return others_ask(uid) ? bounds.contended : bounds.alone; }
        void forget_the_quiet();
        void give_back(uid_t uid, Clock::duration lasted);
        void go_on(uid_t uid);
    };
    class Holder;

    // Shared with the turns that are out: they may outlive this object.
    std::shared_ptr<State> state_;
};

}  // namespace mutual::broker
