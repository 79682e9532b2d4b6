// SPDX-License-Identifier: Apache-2.0
// What mutuald-keys may answer to a step, played octet by octet.
#include "daemon/channel/grant_client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string_view>

#include "varlink/socket.h"

namespace mutual::channel {
namespace {

class GrantClientTest : public ::testing::Test {
protected:
    void step() {
        const auto number = client_->begin();
        client_->step(number, {}, {}, [this](Step step) { steps_.push_back(std::move(step)); });
    }
    void answer(std::string_view text) {
        ASSERT_EQ(::send(pair_->second.value(), text.data(), text.size() + 1, MSG_NOSIGNAL),
                  static_cast<ssize_t>(text.size() + 1));
    }
    void run_until(std::size_t steps) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        loop_.context().restart();
        while (steps_.size() < steps && std::chrono::steady_clock::now() < deadline)
            loop_.context().run_one_until(deadline);
        ASSERT_EQ(steps_.size(), steps);
    }

    EventLoop loop_;
    Result<std::pair<UniqueFd, UniqueFd>> pair_ = varlink::socket_pair();
    std::vector<Step> steps_;
    int lost_ = 0;
    std::shared_ptr<GrantClient> client_ =
        std::make_shared<GrantClient>(loop_, std::move(pair_->first), [this](const Error&) { ++lost_; });
};

constexpr std::string_view refused =
    R"({"error":"org.mutuald.Grant.WrongPeer","parameters":{"message":"not for us"}})";

TEST_F(GrantClientTest, AnAnswerThatIsNoneFailsItsOwnHandshakeOnly) {
    step();
    step();
    answer("nonsense");
    answer(refused);
    run_until(2);
    EXPECT_EQ(steps_[0].error->code, Code::protocol);
    EXPECT_EQ(steps_[1].error->code, Code::wrong_peer);
    EXPECT_EQ(lost_, 0);
}

TEST_F(GrantClientTest, SaysOnceThatItIsLost) {
    step();
    step();
    pair_->second.reset();
    run_until(2);
    EXPECT_EQ(steps_[0].error->code, Code::unavailable);
    EXPECT_EQ(steps_[1].error->code, Code::unavailable);
    EXPECT_EQ(lost_, 1);
}

TEST_F(GrantClientTest, TellsOfAStepNeverFromWithin) {
    step();
    pair_->second.reset();
    run_until(1);
    ASSERT_EQ(lost_, 1);
    bool told_within = true;
    loop_.post([&] {
        step();
        told_within = steps_.size() > 1;
    });
    run_until(2);
    EXPECT_FALSE(told_within);
}

TEST_F(GrantClientTest, ClosesAGrantThatIsUsedUp) {
    step();
    answer(R"({"parameters":{"done":false,"last":true}})");
    run_until(1);
    EXPECT_FALSE(steps_[0].error);
    std::string call(4096, '\0');
    EXPECT_GT(::recv(pair_->second.value(), call.data(), call.size(), 0), 0);  // the call itself
    EXPECT_EQ(::recv(pair_->second.value(), call.data(), call.size(), MSG_DONTWAIT), 0) << "it is still open";
    EXPECT_EQ(lost_, 0) << "a grant that has done its work is not lost";
    step();
    run_until(2);
    EXPECT_EQ(steps_[1].error->code, Code::unavailable);
}

}  // namespace
}  // namespace mutual::channel
