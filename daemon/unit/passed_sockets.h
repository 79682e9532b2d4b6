// SPDX-License-Identifier: Apache-2.0
// The sockets that systemd, or `mutuald --all`, made for this program and passed to it (LISTEN_FDS,
// sd_listen_fds(3)).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mutual/error.h"
#include "varlink/unique_fd.h"

namespace mutual::unit {

struct PassedSocket {
    std::string name;  // LISTEN_FDNAMES; "unknown" when there was none
    UniqueFd fd;       // close-on-exec
};

class PassedSockets {
public:
    PassedSockets() = default;
    explicit PassedSockets(std::vector<PassedSocket> sockets) : sockets_(std::move(sockets)) {}

    // Takes them over; the environment no longer names them afterwards. None were passed: empty.
    static Result<PassedSockets> from_environment();

    // The first one of that name, which is then no longer here. None: unavailable, with a hint how to start
    // us.
    Result<UniqueFd> take(std::string_view name);
    const std::vector<PassedSocket>& rest() const { return sockets_; }

private:
    std::vector<PassedSocket> sockets_;
};

}  // namespace mutual::unit
