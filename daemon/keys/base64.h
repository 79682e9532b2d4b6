// SPDX-License-Identifier: Apache-2.0
// Handshake tokens in JSON: base64 with padding (RFC 4648 section 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mutual::keys {

std::string to_base64(std::string_view bytes);
// No value: it is not base64, strictly.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace mutual::keys
