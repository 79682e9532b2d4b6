// SPDX-License-Identifier: Apache-2.0
#include "varlink/client.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <array>

namespace mutual::varlink {
namespace {

using namespace std::chrono_literals;

// One connection, and a stranger at its other end who can send anything.
class BlockingConnectionTest : public testing::Test {
protected:
    BlockingConnectionTest() {
        auto ends = socket_pair();
        stranger_ = std::move(ends->first);
        connection_.emplace(std::move(ends->second));
        std::array<int, 2> pipe{};
        if (::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0) std::abort();
        watched_ = UniqueFd(pipe[0]);
        passed_.emplace_back(pipe[1]);
    }

    // With the pipe's end that is written to, of which we keep no copy.
    void pass(std::string_view text) {
        put(text, passed_);
        passed_.clear();
    }
    void put(std::string_view text, const std::vector<UniqueFd>& descriptors = {}) {
        std::size_t sent = 0;
        ASSERT_EQ(send_some(stranger_.value(), std::string(text) + '\0', descriptors, sent), Transfer::done);
    }
    bool is_closed() {
        char octet = 0;
        return ::read(watched_.value(), &octet, 1) == 0;
    }
    static Deadline soon() { return std::chrono::steady_clock::now() + 10s; }

    UniqueFd stranger_;
    std::optional<BlockingConnection> connection_;
    UniqueFd watched_;
    std::vector<UniqueFd> passed_;
};

TEST_F(BlockingConnectionTest, GivesADescriptorWithItsReply) {
    pass(R"({"parameters":{}})");
    Result<Reply> reply = connection_->next(soon());
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->descriptors.size(), 1U);
    EXPECT_FALSE(is_closed());
}

TEST_F(BlockingConnectionTest, ClosesTheDescriptorsOfARefusedReply) {
    pass(R"({"parameters":7})");
    EXPECT_EQ(connection_->next(soon()).error().code, Code::protocol);
    EXPECT_TRUE(is_closed());
    put(R"({"parameters":{}})");
    Result<Reply> reply = connection_->next(soon());
    ASSERT_TRUE(reply);
    EXPECT_TRUE(reply->descriptors.empty());
}

TEST_F(BlockingConnectionTest, ClosesTheDescriptorsOfARefusedCall) {
    pass(R"({"method":7})");
    EXPECT_EQ(connection_->receive(soon()).error().code, Code::protocol);
    EXPECT_TRUE(is_closed());
    put(R"({"method":"test.Echo.Say"})");
    Result<std::optional<Call>> call = connection_->receive(soon());
    ASSERT_TRUE(call && *call);
    EXPECT_TRUE((*call)->descriptors.empty());
}

}  // namespace
}  // namespace mutual::varlink
