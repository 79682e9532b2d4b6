// SPDX-License-Identifier: Apache-2.0
// The kernel closes a file where the last reference to it goes: what a stranger passed over a socket, asked
// for or not, in whichever of our threads reads or closes that socket. If it is a network socket with
// SO_LINGER, the thread then waits for that socket's peer, for as long as the stranger chose. Only a signal
// ends the wait: a thread that serves many has one of these, and gets signals while it may have to wait so.
#pragma once

#include <atomic>
#include <chrono>
#include <ctime>

namespace mutual {

class LingerBound {
public:
    // About so long a wait lasts at most; and so often the thread is interrupted while it is busy.
    static constexpr std::chrono::milliseconds tick{2};
    // The same, for what is done often and for strangers only.
    static constexpr std::chrono::microseconds short_tick{100};

    // For the calling thread, to the object's end; whatever may close a stranger's file there goes before it.
    // Within another one's life it takes its place. Takes SIGURG.
    LingerBound();
    ~LingerBound();
    LingerBound(const LingerBound&) = delete;
    LingerBound& operator=(const LingerBound&) = delete;

    // False: the system had no timer for it, and nothing is bounded.
    bool holds() const { return has_timer_; }

    // Called before what may close a stranger's file. Nothing in a thread without a bound, as in programs
    // that link this code.
    static void expect() {
        if (current_ != nullptr) current_->start();
    }
    // The same, with a short tick first.
    static void expect_soon() {
        if (current_ != nullptr) current_->start_soon();
    }

private:
    // So many ticks after the last call they end, that an idle thread sleeps. More than one: the thread may
    // lose the processor between the call and what it was made for.
    static constexpr int ticks_after_use = 16;

    static void interrupt(int signal);
    // In the header, so that a UniqueFd needs no library.
    void start() {
        ticks_left_ = ticks_after_use;
        if (!runs_.exchange(true)) set(tick, tick);
    }
    void start_soon() {
        ticks_left_ = ticks_after_use;
        runs_ = true;
        set(short_tick, tick);
    }
    void set(std::chrono::nanoseconds first, std::chrono::nanoseconds interval) const {
        itimerspec times{};
        times.it_value.tv_nsec = first.count();
        times.it_interval.tv_nsec = interval.count();
        ::timer_settime(timer_, 0, &times, nullptr);
    }

    static inline constinit thread_local LingerBound* current_ = nullptr;
    LingerBound* const outer_ = current_;
    timer_t timer_{};
    bool has_timer_ = false;
    std::atomic<int> ticks_left_ = 0;
    std::atomic<bool> runs_ = false;
};

inline constexpr const char* no_linger_bound =
    "no timer is left: a local program that passes a lingering socket may hold this program up";

}  // namespace mutual
