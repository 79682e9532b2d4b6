// SPDX-License-Identifier: Apache-2.0
// Becoming somebody else, and giving up every capability on the way.
#pragma once

#include <sys/types.h>

#include <tuple>

namespace mutual::keys {

struct Owner {
    uid_t uid = static_cast<uid_t>(-1);
    gid_t gid = static_cast<gid_t>(-1);
    bool operator==(const Owner&) const = default;
    bool operator<(const Owner& other) const { return std::tie(uid, gid) < std::tie(other.uid, other.gid); }
};

// What failed, as a process's exit status says it.
enum class BecomeFailure : int { none = 0, groups = 101, gid, uid, capabilities, privileges, execute };
const char* to_text(BecomeFailure failure);

// In a child between fork and exec: calls nothing but the kernel. Afterwards the process is wholly that
// owner, has no supplementary group and no capability in any set, and can gain none. (Leaving a uid other
// than root by CAP_SETUID clears no ambient capability: they are dropped explicitly.)
BecomeFailure become(Owner owner);

// True if no capability is left in the effective, permitted or inheritable set.
bool has_no_capability();

}  // namespace mutual::keys
