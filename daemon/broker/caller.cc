// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/caller.h"

#include <algorithm>

#include "daemon/unit/account.h"

namespace mutual::broker {

bool is_administrator(const Caller& caller, const config::Daemon& daemon) {
    if (caller.uid == 0) return true;
    return daemon.admin_gid && unit::is_member(*daemon.admin_gid, caller.gid, caller.groups);
}

bool is_user_or_member(const Caller& caller, const std::vector<config::User>& users,
                       const std::vector<config::Group>& groups) {
    const auto is_user = [&](const config::User& user) { return user.uid == caller.uid; };
    const auto is_in = [&](const config::Group& group) {
        return unit::is_member(group.gid, caller.gid, caller.groups);
    };
    return std::any_of(users.begin(), users.end(), is_user) ||
           std::any_of(groups.begin(), groups.end(), is_in);
}

}  // namespace mutual::broker
