// SPDX-License-Identifier: Apache-2.0
// The kernel closes a file where the last reference to it goes: what a stranger passed over a socket, asked
// for or not, in whichever of our threads reads or closes that socket. If it is a network socket with
// SO_LINGER, the thread then waits for that socket's peer, for as long as the stranger chose. Only a signal
// ends the wait. So a thread that serves many has one of these, and another thread sends it signals when it
// is in one call for too long.
#pragma once

#include <atomic>
#include <chrono>

namespace mutual {

class LingerBound {
public:
    // So long a wait lasts at least before it is ended, and at most about twice that.
    static constexpr std::chrono::milliseconds patience{10};
    // The same for a while after one that was ended: there may be more of them.
    static constexpr std::chrono::microseconds impatience{500};

    // For the calling thread, to the object's end; whatever may close a stranger's file there goes before it.
    // Within another one's life it takes its place. Takes SIGURG.
    LingerBound();
    ~LingerBound();
    LingerBound(const LingerBound&) = delete;
    LingerBound& operator=(const LingerBound&) = delete;

    // False: there was no thread for it, and nothing is bounded.
    bool holds() const { return holds_; }

    // Around a call that may close a stranger's file. Nothing in a thread without a bound, as in programs
    // that link this code.
    class Watch {
    public:
        Watch() {
            if (current_ != nullptr) current_->enter();
        }
        ~Watch() {
            if (current_ != nullptr) current_->leave();
        }
        Watch(const Watch&) = delete;
        Watch& operator=(const Watch&) = delete;
    };

private:
    friend class LingerWatcher;

    // In the header, so that a UniqueFd needs no library.
    void enter() {
        if (depth_++ != 0) return;
        ++calls_;
        if (watcher_rests_ != 0 && watcher_rests_.exchange(0) != 0) watcher_rests_.notify_one();
    }
    void leave() {
        if (--depth_ == 0) ++calls_;
    }

    static inline constinit thread_local LingerBound* current_ = nullptr;
    static inline std::atomic<int> watcher_rests_ = 0;
    LingerBound* const outer_ = current_;
    std::atomic<unsigned> calls_ = 0;  // odd: within one
    int depth_ = 0;
    bool holds_ = false;
};

inline constexpr const char* no_linger_bound =
    "no thread is left: a local program that passes a lingering socket may hold this program up";

}  // namespace mutual
