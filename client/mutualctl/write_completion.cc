// SPDX-License-Identifier: Apache-2.0
// write_completion SHELL: part of the build; writes what completes mutualctl in that shell to standard
// output.
#include <cstdio>

#include "client/mutualctl/completion.h"

int main(int count, char** words) {
    const std::string text = count == 2 ? mutual::ctl::completion_for(words[1]) : "";
    if (text.empty()) return 2;
    return std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0 ? 1 : 0;
}
