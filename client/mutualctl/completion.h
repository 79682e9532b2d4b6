// SPDX-License-Identifier: Apache-2.0
// What completes mutualctl's command line in a shell, made from its grammar when it is built.
#pragma once

#include <string>
#include <string_view>

namespace mutual::ctl {

// shell: "bash", "zsh" or "fish"; empty for another.
std::string completion_for(std::string_view shell);

}  // namespace mutual::ctl
