// SPDX-License-Identifier: Apache-2.0
// The command line of mutuald-keys, and the environment that libkrb5 is given.
#pragma once

#include <string>
#include <vector>

#include "daemon/keys/identity.h"
#include "mutual/error.h"

namespace mutual::keys {

struct Options {
    std::string socket;  // empty: passed by whoever started us
    std::string broker_user = "mutuald";
    std::string runtime_directory = "/run/mutuald-keys";
    IdentityRules rules;
    bool version = false;
    bool help = false;
};

// invalid_request: an unknown option, or one without its value.
Result<Options> parse_options(const std::vector<std::string>& arguments);
std::string usage();

// Leaves only what we and the service manager need, and points libkrb5's replay cache to the runtime
// directory. Before there are threads.
void arrange_environment(const Options& options);

}  // namespace mutual::keys
