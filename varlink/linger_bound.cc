// SPDX-License-Identifier: Apache-2.0
#include "varlink/linger_bound.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace mutual {

namespace {

constexpr int looks_before_rest = 10;
constexpr int impatient_looks = 40;

void take_signal() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGURG, &action, nullptr);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGURG);
    ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

}  // namespace

// The other thread, of which a process has one; it rests while nobody makes such calls.
class LingerWatcher {
public:
    // Never destroyed: its thread runs until the process ends.
    static LingerWatcher& instance() {
        static LingerWatcher& watcher = *new LingerWatcher;
        return watcher;
    }

    bool add(const LingerBound& bound) {
        const std::lock_guard lock(mutex_);
        if (!runs_ && !start()) return false;
        watched_.push_back({&bound, ::gettid(), bound.calls_});
        return true;
    }
    void remove(const LingerBound& bound) {
        const std::lock_guard lock(mutex_);
        std::erase_if(watched_, [&](const Watched& one) { return one.bound == &bound; });
    }

private:
    struct Watched {
        const LingerBound* bound;
        pid_t thread;
        unsigned seen;
    };

    bool start() {
        sigset_t all, before;
        sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for the others
        try {
            std::thread([this] { run(); }).detach();
            runs_ = true;
        } catch (const std::system_error&) {
        }
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        return runs_;
    }

    void run() {
        int quiet_looks = 0, impatient = 0;
        for (;;) {
            const auto [calls, stuck] = look();
            impatient = stuck ? impatient_looks : std::max(impatient - 1, 0);
            quiet_looks = calls || stuck ? 0 : quiet_looks + 1;
            if (quiet_looks > looks_before_rest && impatient == 0) {
                rest();
                quiet_looks = 0;
            }
            std::this_thread::sleep_for(impatient > 0 ? LingerBound::impatience : LingerBound::patience);
        }
    }

    struct Look {
        bool calls = false;  // since the last one
        bool stuck = false;  // in the same call as then
    };
    Look look() {
        const std::lock_guard lock(mutex_);
        Look found;
        for (Watched& one : watched_) {
            const unsigned now = one.bound->calls_;
            const bool stuck = now == one.seen && now % 2 == 1;
            if (stuck) ::tgkill(::getpid(), one.thread, SIGURG);
            found.stuck |= stuck;
            found.calls |= now != one.seen;
            one.seen = now;
        }
        return found;
    }

    // Whoever makes a call after the last look sees that this rests, or this sees the call.
    void rest() {
        LingerBound::watcher_rests_ = 1;
        if (look().calls)
            LingerBound::watcher_rests_ = 0;
        else
            LingerBound::watcher_rests_.wait(1);
    }

    std::mutex mutex_;
    bool runs_ = false;
    std::vector<Watched> watched_;
};

LingerBound::LingerBound() {
    take_signal();
    holds_ = LingerWatcher::instance().add(*this);
    if (holds_) current_ = this;
}

LingerBound::~LingerBound() {
    if (!holds_) return;
    current_ = outer_;
    LingerWatcher::instance().remove(*this);
}

}  // namespace mutual
