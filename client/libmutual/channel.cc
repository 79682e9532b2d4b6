// SPDX-License-Identifier: Apache-2.0
#include "client/libmutual/channel.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "varlink/socket.h"

namespace mutual::client {

namespace {

// In the order of mutual_verdict.
constexpr std::array<std::string_view, 7> verdict_names{
    "unknown", "not yet", "authenticated", "unauthenticated", "reset", "expired", "denied"};
static_assert(MUTUAL_END_DENIED + 1 == verdict_names.size());

}  // namespace

mutual_verdict verdict_of(const ChannelFacts& facts) {
    if (!facts.verdict) return MUTUAL_END_NOT_YET;
    const auto* found = std::find(verdict_names.begin() + MUTUAL_END_AUTHENTICATED, verdict_names.end(),
                                  std::string_view(*facts.verdict));
    return found == verdict_names.end() ? MUTUAL_END_UNKNOWN
                                        : static_cast<mutual_verdict>(found - verdict_names.begin());
}

Result<std::uint64_t> cookie_of(int fd) {
    const std::uint64_t cookie = varlink::socket_cookie(fd);
    if (cookie != 0) return cookie;
    return Error(Code::invalid_request, Stage::request,
                 "descriptor " + std::to_string(fd) + " is not a channel's: it is not an open socket");
}

}  // namespace mutual::client

using namespace mutual;

const char* mutual_verdict_name(mutual_verdict verdict) {
    const auto index = static_cast<std::size_t>(verdict);
    return client::verdict_names[index < client::verdict_names.size() ? index : 0].data();
}

int mutual_channel_fd(const mutual_channel* channel) { return channel->fd.value(); }
int mutual_channel_take_fd(mutual_channel* channel) { return channel->fd.release(); }
const char* mutual_channel_id(const mutual_channel* channel) { return channel->facts.channel.c_str(); }
const char* mutual_channel_service(const mutual_channel* channel) { return channel->facts.service.c_str(); }
const char* mutual_channel_peer(const mutual_channel* channel) { return channel->facts.peer.c_str(); }
const char* mutual_channel_self(const mutual_channel* channel) { return channel->facts.self.c_str(); }
const char* mutual_channel_spn(const mutual_channel* channel) { return channel->facts.spn.c_str(); }
const char* mutual_channel_address(const mutual_channel* channel) { return channel->facts.address.c_str(); }
uint16_t mutual_channel_port(const mutual_channel* channel) {
    return static_cast<uint16_t>(channel->facts.port);
}
int64_t mutual_channel_expires(const mutual_channel* channel) { return channel->facts.expires; }
mutual_verdict mutual_channel_verdict(const mutual_channel* channel) {
    return client::verdict_of(channel->facts);
}
void mutual_channel_free(mutual_channel* channel) { delete channel; }
