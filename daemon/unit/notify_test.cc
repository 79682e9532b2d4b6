// SPDX-License-Identifier: Apache-2.0
#include "daemon/unit/notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

#include "varlink/unique_fd.h"

namespace mutual::unit {
namespace {

// A service manager's end of NOTIFY_SOCKET.
class Manager : public testing::Test {
protected:
    Manager() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        const sockaddr_un any{AF_UNIX, {}};
        ::bind(socket_.value(), reinterpret_cast<const sockaddr*>(&any), sizeof(any.sun_family));  // autobind
        sockaddr_un bound{};
        socklen_t size = sizeof bound;
        ::getsockname(socket_.value(), reinterpret_cast<sockaddr*>(&bound), &size);
        const std::string name(bound.sun_path + 1, size - offsetof(sockaddr_un, sun_path) - 1);
        ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
    }
    ~Manager() override { ::unsetenv("NOTIFY_SOCKET"); }

    std::string heard() {
        std::array<char, 4096> text{};
        const auto size = ::recv(socket_.value(), text.data(), text.size(), MSG_DONTWAIT);
        return size < 0 ? "" : std::string(text.data(), static_cast<std::size_t>(size));
    }

private:
    UniqueFd socket_;
};

TEST_F(Manager, HearsThatWeAreReady) {
    notify_ready("3 services\nSTOPPING=1");
    EXPECT_EQ(heard(), "READY=1\nSTATUS=3 services\\nSTOPPING=1");
}

TEST_F(Manager, HearsThatWeStopAndLive) {
    notify_stopping();
    EXPECT_EQ(heard(), "STOPPING=1");
    notify_alive();
    EXPECT_EQ(heard(), "WATCHDOG=1");
}

TEST_F(Manager, HearsWhenAReloadBegan) {
    notify_reloading();
    EXPECT_EQ(heard().rfind("RELOADING=1\nMONOTONIC_USEC=", 0), 0U);
}

TEST(Watchdog, IsFedTwiceInItsInterval) {
    ::unsetenv("WATCHDOG_USEC");
    EXPECT_EQ(watchdog_interval(), std::nullopt);
    ::setenv("WATCHDOG_USEC", "5000000", 1);
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    EXPECT_EQ(watchdog_interval(), std::chrono::microseconds(2'500'000));
    ::unsetenv("WATCHDOG_USEC");
    ::unsetenv("WATCHDOG_PID");
}

}  // namespace
}  // namespace mutual::unit
