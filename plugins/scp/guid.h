// SPDX-License-Identifier: Apache-2.0
// GUIDs in their text form, 8-4-4-4-12 without braces (SCP-5).
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace mutual::scp {

// As a directory stores objectGUID: the first three groups in little-endian order (SCP-21).
using StoredGuid = std::array<unsigned char, 16>;
std::optional<StoredGuid> parse_guid(std::string_view text);

}  // namespace mutual::scp
