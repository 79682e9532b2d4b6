// SPDX-License-Identifier: Apache-2.0
// Starts one program the way systemd would: its own user and groups, no capability but those that it needs,
// no way to gain more, its sockets as descriptors 3 and up, a clean environment. It dies with the process
// that started it.
#pragma once

#include <sys/types.h>

#include <vector>

#include "daemon/broker/launcher/plan.h"
#include "mutual/error.h"

namespace mutual::launcher {

// `sockets`: descriptors in the order of the plan's; they stay open here. Started by root, the program gets
// the plan's user; started by anyone else it stays that user's (tests). What fails in the child is said on
// standard error, and the child ends with 127.
Result<pid_t> spawn(const ProgramPlan& program, const std::vector<int>& sockets);

}  // namespace mutual::launcher
