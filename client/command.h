// SPDX-License-Identifier: Apache-2.0
// Runs a command with a channel as its descriptor 3, as `mutualctl open` and `accept` do.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mutual/error.h"

namespace mutual::client {

struct Command {
    std::vector<std::string> words;  // not empty; the first is looked up in PATH
    std::vector<std::pair<std::string, std::string>> environment;  // added to ours
    bool channel_is_stdio = false;                                 // the channel is also descriptors 0 and 1
    std::optional<sigset_t> blocked_signals;                       // it starts with; otherwise ours
};

// For execve and its kin: a pointer to each string, and the null at the end. Valid as long as the strings
// are.
std::vector<char*> null_terminated(std::vector<std::string>& strings);

// The command's other descriptors and signals are those that we were started with. A command that cannot be
// run says so on standard error and ends with 127 (not found) or 126, as in a shell.
Result<pid_t> start(const Command& command, int channel);

// Waits for its end, passing signals on that were sent to us alone. The status as a shell tells it: 128 + the
// signal that ended it.
int wait_for(pid_t command);

}  // namespace mutual::client
