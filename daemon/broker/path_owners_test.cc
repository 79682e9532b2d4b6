// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/path_owners.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "varlink/socket.h"

namespace mutual::broker {
namespace {

class PathOwners : public testing::Test {
protected:
    PathOwners() {
        char name[] = "/tmp/path-owners-XXXXXX";
        folder_ = ::mkdtemp(name);
        socket_ = folder_ + "/socket";
        listener_ = std::move(*varlink::listen_unix(socket_, 0666));
    }
    ~PathOwners() override { std::filesystem::remove_all(folder_); }

    std::string folder_;
    std::string socket_;
    UniqueFd listener_;
};

TEST_F(PathOwners, AcceptsOurOwnAndSticksToSockets) {
    EXPECT_TRUE(check_owners(socket_, ::getuid()));
    EXPECT_TRUE(check_owners(folder_ + "/absent", ::getuid()));
    EXPECT_FALSE(check_owners(folder_, ::getuid()));
}

TEST_F(PathOwners, RefusesAFolderThatEveryoneMayWrite) {
    ASSERT_EQ(::chmod(folder_.c_str(), 0777), 0);
    EXPECT_FALSE(check_owners(socket_, ::getuid()));
}

TEST_F(PathOwners, RefusesALinkToASocket) {
    const std::string link = folder_ + "/link";
    ASSERT_EQ(::symlink(socket_.c_str(), link.c_str()), 0);
    EXPECT_FALSE(check_owners(link, ::getuid()));
}

TEST_F(PathOwners, RefusesWhatBelongsToAnotherUser) {
    if (::getuid() != 0) GTEST_SKIP() << "needs root to give a file away";
    ASSERT_EQ(::chown(socket_.c_str(), 12345, 12345), 0);
    EXPECT_FALSE(check_owners(socket_, 12346));
    EXPECT_TRUE(check_owners(socket_, 12345));
}

}  // namespace
}  // namespace mutual::broker
