// SPDX-License-Identifier: Apache-2.0
// Comparing names as DNS and directories do: without regard to ASCII case, host names without their final
// dot.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace mutual::options {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

inline std::string lowered(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), lower);
    return result;
}

inline bool same(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

constexpr std::string_view without_final_dot(std::string_view host) {
    if (host.ends_with('.')) host.remove_suffix(1);
    return host;
}

inline bool same_host(std::string_view a, std::string_view b) {
    return same(without_final_dot(a), without_final_dot(b));
}

}  // namespace mutual::options
