// SPDX-License-Identifier: Apache-2.0
// For a fork in a program that handles signals on its event loop: in the child the parent's handlers would
// still run, and write into the pipe by which the parent learns of its own signals. So they are blocked
// around the fork, and in the child until no handler is left. All async-signal-safe.
#pragma once

#include <signal.h>

namespace mutual::unit {

// While this lives no signal reaches this thread, nor a child that it forks.
class SignalsBlocked {
public:
    SignalsBlocked();
    ~SignalsBlocked();
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

private:
    sigset_t before_{};
};

// In the child, in this order. What is ignored stays so.
void reset_signal_handlers();
void unblock_signals();

}  // namespace mutual::unit
