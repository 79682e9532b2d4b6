// SPDX-License-Identifier: Apache-2.0
// Text that somebody else wrote, made fit to be shown: in logs, errors and explanations.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mutual::unit {

inline constexpr std::size_t shown_octets = 256;

// In double quotes, with everything but printable ASCII as \xNN, \n, \r or \t, and `"` and `\` escaped. What
// lies beyond `cap` octets is replaced by its count: "abc"... (1234 octets).
std::string shown(std::string_view text, std::size_t cap = shown_octets);

// The same without quotes, and `"` as it is: for text of ours that may hold a stray control character.
std::string one_line(std::string_view text, std::size_t cap);

}  // namespace mutual::unit
