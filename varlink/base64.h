// SPDX-License-Identifier: Apache-2.0
// Octets in JSON: base64 with padding (RFC 4648 section 4).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mutual::varlink {

std::string to_base64(std::string_view octets);
std::string to_base64(std::span<const std::byte> octets);
// No value: it is not base64, strictly (also the unused bits of the last digit must be 0).
std::optional<std::string> from_base64(std::string_view text);
std::optional<std::vector<std::byte>> bytes_from_base64(std::string_view text);

}  // namespace mutual::varlink
