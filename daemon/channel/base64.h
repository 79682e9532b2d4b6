// SPDX-License-Identifier: Apache-2.0
// Tokens of a handshake as JSON carries them (RFC 4648 section 4, with padding).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mutual/transport.h"

namespace mutual::channel {

std::string to_base64(Bytes bytes);
// No value: not base64.
std::optional<std::vector<std::byte>> from_base64(std::string_view text);

}  // namespace mutual::channel
