// SPDX-License-Identifier: Apache-2.0
// The local process on the API socket, as the kernel knew it when it connected.
#pragma once

#include "daemon/config/configuration.h"
#include "varlink/socket.h"

namespace mutual::broker {

using Caller = varlink::PeerCredentials;

// Root, and members of the administrators' group: they see everyone's channels.
bool is_administrator(const Caller& caller, const config::Daemon& daemon);

bool is_user_or_member(const Caller& caller, const std::vector<config::User>& users,
                       const std::vector<config::Group>& groups);

}  // namespace mutual::broker
