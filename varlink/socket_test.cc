// SPDX-License-Identifier: Apache-2.0
#include "varlink/socket.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>

namespace mutual::varlink {
namespace {

TEST(ConnectUnix, TellsWhoDoesNotListenFromWhatWeLack) {
    std::string pattern = std::filesystem::temp_directory_path() / "mutual-socket-XXXXXX";
    const std::filesystem::path folder = ::mkdtemp(pattern.data());
    const std::string path = folder / "socket";
    EXPECT_EQ(connect_unix(path, Deadline::min()).error().code, Code::unavailable);
    Result<UniqueFd> listener = listen_unix(path, 0600);
    ASSERT_TRUE(listener);
    EXPECT_TRUE(connect_unix(path, Deadline::min()));
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit none = before;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_NOFILE, &none);
    const Result<UniqueFd> refused = connect_unix(path, Deadline::min());
    ::setrlimit(RLIMIT_NOFILE, &before);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::limit);
    listener->reset();
    EXPECT_EQ(connect_unix(path, Deadline::min()).error().code, Code::unavailable);
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace mutual::varlink
