// SPDX-License-Identifier: Apache-2.0
// The command line of mutuald-channel.
#pragma once

#include <cstddef>
#include <string>

namespace mutual::channel {

// The broker passes a grant for each loop with one message, and that may carry so many descriptors.
inline constexpr std::size_t most_loops = 64;

struct Options {
    std::string transport = "sockets";
    std::string plugin;  // empty: the file and the options that the configuration names for the transport
    std::string plugin_configuration = "{}";
    std::string config_root;
    std::size_t loops = 0;  // 0: one for each core
    std::string broker_user = "mutuald";
    std::string admission_socket = "/run/mutuald/admission.sock";
    std::string socket;  // empty: the passed socket named "channel"
};

// What to exit with, or -1: go on.
int read_options(int argc, char** argv, Options& options);

}  // namespace mutual::channel
