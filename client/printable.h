// SPDX-License-Identifier: Apache-2.0
// Makes text safe for a terminal: some of it comes from directories and peers that nobody vouches for.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mutual::client {

// Control characters (C0, DEL, and C1 in UTF-8) and octets that are not UTF-8 become \xNN.
std::string printable(std::string_view text);

// How many columns a terminal needs for it, counting every character as one.
std::size_t columns(std::string_view printable_text);

}  // namespace mutual::client
