// SPDX-License-Identifier: Apache-2.0
// Runs a program for a test, with given standard input, and collects what it says.
#pragma once

#include <string>
#include <vector>

namespace mutual::ctl {

struct Ended {
    int status = -1;  // 128 + signal if one ended it
    std::string output;
    std::string error;
};

struct Run {
    std::vector<std::string> words;
    std::string input = {};
    std::vector<std::string> environment = {};  // NAME=VALUE, in place of ours but PATH
};

// Descriptors of ours without close-on-exec are passed on.
Ended run(const Run& run);

}  // namespace mutual::ctl
