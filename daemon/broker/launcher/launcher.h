// SPDX-License-Identifier: Apache-2.0
// `mutuald --all`: stands in for systemd where there is none (demo, tests, containers). As root it makes the
// sockets, starts the four programs under their own users, starts again one that dies, and ends all when told
// to. It reads no configuration and no message.
#pragma once

#include <string>
#include <vector>

namespace mutual::launcher {

struct LauncherOptions {
    std::vector<std::string> transports{"sockets", "oncrpc"};  // one mutuald-channel for each
    std::string program_folder;  // empty: beside this program, or where it was installed
};

// Returns what main() should: 0 after SIGTERM or SIGINT; otherwise it has said on standard error what
// failed.
int run_launcher(const LauncherOptions& options);

}  // namespace mutual::launcher
