// SPDX-License-Identifier: Apache-2.0
// Which known name somebody may have meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mutual::config {

// `did you mean "port"?` where a name is close, otherwise `known: a, b, c`; empty where nothing is known.
std::string suggestion(std::string_view name, const std::vector<std::string>& known);

// Insertions, removals, replacements and swaps of neighbours that make one text the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace mutual::config
