// SPDX-License-Identifier: Apache-2.0
// The descriptions of our interfaces, from the .varlink files.
#pragma once

#include <cstdint>
#include <string_view>

namespace mutual::varlink {

extern const std::string_view broker_interface;
extern const std::string_view keys_interface;
extern const std::string_view grant_interface;
extern const std::string_view channel_interface;
extern const std::string_view admission_interface;
extern const std::string_view plugins_interface;

// Of the internal interfaces; sent with calls as `version`. Programs of different versions do no new work
// together.
inline constexpr std::int64_t internal_version = 1;

}  // namespace mutual::varlink
