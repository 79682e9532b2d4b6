// SPDX-License-Identifier: Apache-2.0
// AUTH_SYS (RFC 5531 appendix A) as the local server is told of a peer: the machine's name is the peer's
// principal, the stamp the channel's number for WhoIs, the uid and gids those that the administrator gave it.
#pragma once

#include <string_view>
#include <vector>

#include "mutual/transport.h"

namespace mutual::oncrpc {

inline constexpr std::size_t longest_machine_name = 255;

// The credential's body. `principal` has at most longest_machine_name octets.
std::vector<std::byte> sys_credential(std::uint32_t stamp, std::string_view principal, const LocalUser& user);

}  // namespace mutual::oncrpc
