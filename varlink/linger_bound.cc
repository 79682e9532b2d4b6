// SPDX-License-Identifier: Apache-2.0
#include "varlink/linger_bound.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace mutual {

LingerBound::LingerBound() {
    struct sigaction action {};
    action.sa_handler = interrupt;
    action.sa_flags = SA_RESTART;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGURG);
    ::sigaction(SIGURG, &action, nullptr);
    ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGURG;
    event._sigev_un._tid = ::gettid();
    has_timer_ = ::timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0;
    if (has_timer_) current_ = this;
}

LingerBound::~LingerBound() {
    if (!has_timer_) return;
    current_ = outer_;
    ::timer_delete(timer_);
}

void LingerBound::interrupt(int) {
    LingerBound* bound = current_;
    if (bound == nullptr || --bound->ticks_left_ > 0) return;
    const int error = errno;
    bound->set({}, {});
    bound->runs_ = false;
    errno = error;
}

}  // namespace mutual
