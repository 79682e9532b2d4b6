// SPDX-License-Identifier: Apache-2.0
// Words and variables as execve wants them.
#pragma once

#include <string>
#include <vector>

namespace mutual::unit {

// A pointer to each text, and the null at the end. Valid as long as the texts are.
inline std::vector<char*> null_terminated(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

}  // namespace mutual::unit
