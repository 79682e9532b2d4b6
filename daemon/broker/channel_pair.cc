// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/channel_pair.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include "varlink/socket.h"

namespace mutual::broker {

Result<ChannelPair> make_channel_pair() {
    Result<std::pair<UniqueFd, UniqueFd>> pair = varlink::socket_pair();
    if (!pair) return pair.error();
    const int flags = ::fcntl(pair->first.value(), F_GETFL);
    if (flags < 0 || ::fcntl(pair->first.value(), F_SETFL, flags & ~O_NONBLOCK) != 0)
        return Error(Code::internal, Stage::delivery,
                     std::string("make a socket pair: ") + std::strerror(errno));
    ChannelPair ends{std::move(pair->first), std::move(pair->second), 0};
    ends.cookie = varlink::socket_cookie(ends.program.value());
    return ends;
}

}  // namespace mutual::broker
