// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace mutual::keys {

namespace {

using CapabilitySets = std::array<__user_cap_data_struct, 2>;

bool drop_capabilities() {
    // A kernel without ambient capabilities answers EINVAL, and has none to drop.
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL) return false;
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    CapabilitySets none{};
    return ::syscall(SYS_capset, &header, none.data()) == 0;
}

}  // namespace

const char* to_text(BecomeFailure failure) {
    switch (failure) {
        case BecomeFailure::none:
            return "nothing";
        case BecomeFailure::groups:
            return "setgroups (is CAP_SETGID there?)";
        case BecomeFailure::gid:
            return "setresgid (is CAP_SETGID there?)";
        case BecomeFailure::uid:
            return "setresuid (is CAP_SETUID there?)";
        case BecomeFailure::capabilities:
            return "dropping the capabilities";
        case BecomeFailure::privileges:
            return "setting no_new_privs";
        case BecomeFailure::execute:
            return "executing mutuald-keys";
    }
    return "an unknown step";
}

BecomeFailure become(Owner owner) {
    // The system calls themselves: the library's functions would signal threads that this child does not
    // have.
    if (::syscall(SYS_setgroups, 0, nullptr) != 0 && ::getgroups(0, nullptr) != 0)
        return BecomeFailure::groups;
    if (::syscall(SYS_setresgid, owner.gid, owner.gid, owner.gid) != 0) return BecomeFailure::gid;
    if (::syscall(SYS_setresuid, owner.uid, owner.uid, owner.uid) != 0) return BecomeFailure::uid;
    if (!drop_capabilities()) return BecomeFailure::capabilities;
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return BecomeFailure::privileges;
    return BecomeFailure::none;
}

bool has_no_capability() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    CapabilitySets sets{};
    if (::syscall(SYS_capget, &header, sets.data()) != 0) return false;
    for (const auto& set : sets)
        if ((set.effective | set.permitted | set.inheritable) != 0) return false;
    return true;
}

}  // namespace mutual::keys
