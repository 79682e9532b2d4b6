// SPDX-License-Identifier: Apache-2.0
#include "daemon/unit/passed_sockets.h"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>

namespace mutual::unit {

Result<PassedSockets> PassedSockets::from_environment() {
    char** names = nullptr;
    const int count = ::sd_listen_fds_with_names(1, &names);
    if (count < 0)
        return Error{Code::invalid_configuration, Stage::request,
                     "read the passed sockets (LISTEN_FDS): " + std::generic_category().message(-count)};
    std::vector<PassedSocket> sockets;
    for (int i = 0; i < count; ++i) {
        sockets.push_back({names[i], UniqueFd(SD_LISTEN_FDS_START + i)});
        std::free(names[i]);
    }
    std::free(static_cast<void*>(names));
    return PassedSockets(std::move(sockets));
}

Result<UniqueFd> PassedSockets::take(std::string_view name) {
    const auto found = std::find_if(sockets_.begin(), sockets_.end(),
                                    [name](const PassedSocket& each) { return each.name == name; });
    if (found == sockets_.end())
        return Error{Code::unavailable, Stage::request,
                     "no socket named " + std::string(name) + " was passed to us",
                     "this program is started by its systemd socket unit, or by `mutuald --all`"};
    UniqueFd fd = std::move(found->fd);
    sockets_.erase(found);
    return fd;
}

}  // namespace mutual::unit
