// SPDX-License-Identifier: Apache-2.0
// Unix stream sockets: who is at the other end, and one send and one receive call that carry descriptors.
// These are the only functions that read or write such a socket: a plain read would lose descriptors.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mutual/error.h"
#include "varlink/unique_fd.h"

namespace mutual::varlink {

using Deadline = std::chrono::steady_clock::time_point;
inline constexpr Deadline no_deadline = Deadline::max();

// Taken by the kernel when the peer connected.
struct PeerCredentials {
    pid_t pid = 0;
    uid_t uid = static_cast<uid_t>(-1);
    gid_t gid = static_cast<gid_t>(-1);
    std::vector<gid_t> groups;            // supplementary ones
    std::chrono::nanoseconds seen_at{0};  // when this was asked, since boot: the process is older
};
Result<PeerCredentials> peer_credentials(int socket);

// Non-blocking, close-on-exec, both ends.
Result<std::pair<UniqueFd, UniqueFd>> socket_pair();
// Replaces a stale socket file; mode as given.
Result<UniqueFd> listen_unix(const std::string& path, mode_t mode, int backlog = 1024);
// unavailable: nobody listens; limit: no descriptor or memory is left here, or the listener's queue is full;
// denied: the file's mode keeps us out.
Result<UniqueFd> connect_unix(const std::string& path, Deadline deadline);
// SO_COOKIE.
std::uint64_t socket_cookie(int socket);

enum class Transfer { done, again, closed, failed };
// Writes some of `bytes`; descriptors go with the first octet. `sent` tells how much went out.
Transfer send_some(int socket, std::string_view bytes, const std::vector<UniqueFd>& descriptors,
                   std::size_t& sent);
// Appends what arrived to `bytes` and `descriptors` (at most `most` in all; more are closed and it fails with
// errno EMSGSIZE). Descriptors are close-on-exec.
Transfer receive_some(int socket, std::string& bytes, std::vector<UniqueFd>& descriptors, std::size_t most);

}  // namespace mutual::varlink
