// SPDX-License-Identifier: Apache-2.0
#include "daemon/unit/hardening.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mutual::unit {
namespace {

// In a child, so that the other tests of this program keep what they need.
int hardened_child() {
    const pid_t child = ::fork();
    if (child != 0) {
        int status = 0;
        ::waitpid(child, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    rlimit core{};
    rlimit files{};
    if (!harden()) ::_exit(1);
    if (::getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0) ::_exit(2);
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur != files.rlim_max) ::_exit(3);
    if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) ::_exit(4);
#if !defined(__SANITIZE_ADDRESS__)
    if (::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) ::_exit(5);
#endif
    ::_exit(0);
}

TEST(Hardening, LeavesNoCoreNoInspectionAndNoNewPrivileges) { EXPECT_EQ(hardened_child(), 0); }

}  // namespace
}  // namespace mutual::unit
