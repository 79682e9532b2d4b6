// SPDX-License-Identifier: Apache-2.0
#include "daemon/unit/passed_sockets.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace mutual::unit {
namespace {

// What the child of the test sees as its numbers 3 and 4; the answer is its exit status.
int take_both_in_a_child(const char* names) {
    const pid_t child = ::fork();
    if (child != 0) {
        int status = 0;
        ::waitpid(child, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    const int null = ::fcntl(::open("/dev/null", O_RDWR | O_CLOEXEC), F_DUPFD, 10);
    ::dup2(null, 3);
    ::dup2(null, 4);
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", "2", 1);
    ::setenv("LISTEN_FDNAMES", names, 1);
    auto sockets = PassedSockets::from_environment();
    if (!sockets || sockets->rest().size() != 2 || std::getenv("LISTEN_FDS") != nullptr) ::_exit(1);
    auto admission = sockets->take("admission");
    auto api = sockets->take("api");
    if (!admission || !api || sockets->take("api")) ::_exit(2);
    if (api->value() != 3 || admission->value() != 4) ::_exit(3);
    ::_exit((::fcntl(3, F_GETFD) & FD_CLOEXEC) != 0 ? 0 : 4);
}

TEST(PassedSockets, AreTakenByName) { EXPECT_EQ(take_both_in_a_child("api:admission"), 0); }

TEST(PassedSockets, AreNoneWithoutAnEnvironment) {
    ::unsetenv("LISTEN_FDS");
    auto sockets = PassedSockets::from_environment();
    ASSERT_TRUE(sockets);
    EXPECT_TRUE(sockets->rest().empty());
    const auto missing = sockets->take("api");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Code::unavailable);
    EXPECT_NE(missing.error().message.find("api"), std::string::npos);
}

}  // namespace
}  // namespace mutual::unit
