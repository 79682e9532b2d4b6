// SPDX-License-Identifier: Apache-2.0
// What a fuzz target says of the code under test. A property that does not hold ends the process, which
// libFuzzer takes for a crash and keeps the input of.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "mutual/error.h"

namespace mutual::fuzz {

inline void require(bool holds, std::string_view property, std::string_view value = {}) {
    if (holds) return;
    std::fprintf(stderr, "broken property: %.*s: %.*s\n", static_cast<int>(property.size()), property.data(),
                 static_cast<int>(value.size()), value.data());
    std::abort();
}

// A refusal says why, in one line.
inline void require_text(const Error& error) {
    require(!error.message.empty(), "an error has a message");
    require(error.message.find('\n') == std::string::npos, "a message is one line", error.message);
}

template <class T>
bool accepted(const Result<T>& result) {
    if (!result) require_text(result.error());
    return result.ok();
}

}  // namespace mutual::fuzz
