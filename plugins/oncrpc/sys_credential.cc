// SPDX-License-Identifier: Apache-2.0
#include "plugins/oncrpc/sys_credential.h"

#include <algorithm>

#include "wire/xdr.h"

namespace mutual::oncrpc {

namespace {

constexpr std::size_t most_gids = 16;

}  // namespace

std::vector<std::byte> sys_credential(std::uint32_t stamp, std::string_view principal,
                                      const LocalUser& user) {
    wire::XdrWriter out;
    out.number(stamp);
    out.opaque(std::as_bytes(std::span(principal)));
    out.number(user.uid);
    out.number(user.gid);
    const std::size_t count = std::min(user.gids.size(), most_gids);
    out.number(static_cast<std::uint32_t>(count));
    for (std::size_t i = 0; i < count; ++i) out.number(user.gids[i]);
    return out.take();
}

}  // namespace mutual::oncrpc
