// SPDX-License-Identifier: Apache-2.0
// Users and groups of this system. The system may ask the network for them (NSS), so only start-up and reload
// may call these; what runs on an event loop compares numbers.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

#include "mutual/error.h"

namespace mutual::unit {

struct Account {
    std::string name;
    uid_t uid = static_cast<uid_t>(-1);
    gid_t gid = static_cast<gid_t>(-1);
};

// A name, or a number in decimal (which need not have an account: then name is the number, and gid is -1).
// invalid_configuration: there is no such user; unavailable: the look-up itself failed.
Result<Account> find_user(const std::string& name_or_uid);
Result<gid_t> find_group(const std::string& name_or_gid);

// All groups that a process of the user's would have.
std::vector<gid_t> groups_of(const Account& account);

// For people: the name, or the number in decimal.
std::string user_name(uid_t uid);

// Whether a process with these groups (SO_PEERCRED's gid, SO_PEERGROUPS) is a member.
bool is_member(gid_t group, gid_t primary, std::span<const gid_t> supplementary);

}  // namespace mutual::unit
