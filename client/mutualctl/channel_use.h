// SPDX-License-Identifier: Apache-2.0
// What mutualctl does with a channel once it has one: connects it to standard input and output, or gives it
// to a command.
#pragma once

#include "client/command.h"
#include "client/mutualctl/options.h"

namespace mutual::ctl {

// Relays until the end, asks the broker how the stream ended, and tells it on standard error. exit_ok only if
// the peer's end was authenticated.
int relay_stdio(const Options& options, client::OpenChannel channel);

// The command with what it should know in its environment.
client::Command command_for(const Options& options, const client::OpenChannel& channel);
// Its exit status. A stream that is known to have been cut is told on standard error.
int run_command(const Options& options, client::OpenChannel channel);

}  // namespace mutual::ctl
