// SPDX-License-Identifier: Apache-2.0
// What the launcher is going to do, as a value: made without touching anything, so that a test can read it.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "daemon/broker/launcher/launcher.h"
#include "daemon/unit/account.h"
#include "mutual/error.h"

namespace mutual::launcher {

struct FolderPlan {
    std::string path;
    unit::Account owner;
    mode_t mode = 0;
};

// A listening socket. Who may connect owns the file: connecting takes permission to write.
struct SocketPlan {
    std::string name;  // LISTEN_FDNAMES
    std::string path;
    unit::Account owner;
    mode_t mode = 0;
    int backlog = 1024;
};

struct ProgramPlan {
    std::string name;
    std::vector<std::string> command;  // command[0] is the path
    unit::Account account;
    std::vector<SocketPlan> sockets;
    bool may_change_users = false;  // keeps CAP_SETUID and CAP_SETGID, as ambient capabilities
};

struct Plan {
    std::vector<FolderPlan> folders;    // the first one is locked: one launcher at a time
    std::vector<ProgramPlan> programs;  // in the order of their start; they are stopped in reverse
};

// unit::find_user, or a test's.
using FindUser = std::function<Result<unit::Account>(const std::string&)>;

// A user that is missing, or a transport's name that cannot be one, is invalid_configuration.
Result<Plan> make_plan(const LauncherOptions& options, const FindUser& find_user);

}  // namespace mutual::launcher
