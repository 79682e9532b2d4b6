// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/stepper.h"

#include <gtest/gtest.h>

namespace mutual::keys {
namespace {

using std::chrono::seconds;

// Finishes at the token "last", fails at "bad".
class FakeHandshake final : public Handshake {
public:
    explicit FakeHandshake(int& alive) : alive_(alive) { ++alive_; }
    ~FakeHandshake() override { --alive_; }
    StepAnswer step(std::string_view token) override {
        StepAnswer answer{"answer", {}, {}};
        if (token == "last") answer.established = Established{};
        if (token == "bad") answer.error = Error(Code::wrong_peer, Stage::handshake, "no");
        return answer;
    }

private:
    int& alive_;
};

class Steps : public ::testing::Test {
protected:
    Stepper make(StepLimits limits) {
        return Stepper(
            [this]() -> Result<std::unique_ptr<Handshake>> {
                return std::unique_ptr<Handshake>(std::make_unique<FakeHandshake>(alive));
            },
            limits);
    }
    int alive = 0;
    Stepper::Time now{};
};

TEST_F(Steps, AFinishedNumberIsNotUsedAgain) {
    Stepper stepper = make({4, 0});
    EXPECT_TRUE(stepper.step(1, "last", now).established);
    EXPECT_EQ(stepper.step(1, "", now).error->code, Code::invalid_request);
    EXPECT_EQ(alive, 0);
}

TEST_F(Steps, AFailedHandshakeIsOver) {
    Stepper stepper = make({4, 0});
    EXPECT_EQ(stepper.step(1, "bad", now).error->code, Code::wrong_peer);
    EXPECT_EQ(stepper.step(1, "last", now).error->code, Code::invalid_request);
    EXPECT_EQ(alive, 0);
}

TEST_F(Steps, IsExhaustedWhenItsLastHandshakeIsOver) {
    Stepper stepper = make({1, 1});
    EXPECT_FALSE(stepper.is_exhausted());
    EXPECT_FALSE(stepper.step(1, "", now).error);
    EXPECT_FALSE(stepper.is_exhausted());
    EXPECT_TRUE(stepper.step(1, "last", now).established);
    EXPECT_TRUE(stepper.is_exhausted());
    Stepper unbounded = make({1, 0});
    EXPECT_TRUE(unbounded.step(1, "last", now).established);
    EXPECT_FALSE(unbounded.is_exhausted());
}

TEST_F(Steps, HandshakesInProgressAreBounded) {
    Stepper stepper = make({2, 0});
    EXPECT_FALSE(stepper.step(1, "", now).error);
    EXPECT_FALSE(stepper.step(2, "", now).error);
    EXPECT_EQ(stepper.step(3, "", now).error->code, Code::limit);
    stepper.drop(1);
    EXPECT_FALSE(stepper.step(4, "", now).error);
}

TEST_F(Steps, AHandshakeEndsAfterSixtySeconds) {
    Stepper stepper = make({1, 0});
    EXPECT_FALSE(stepper.step(1, "", now).error);
    EXPECT_FALSE(stepper.step(1, "", now + seconds(59)).error);
    stepper.sweep(now + seconds(60));
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(stepper.step(1, "last", now + seconds(60)).error->code, Code::invalid_request);
}

TEST_F(Steps, AHandshakeWithoutEndIsEnded) {
    Stepper stepper = make({1, 0, 3});
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(stepper.step(1, "", now).error);
    EXPECT_EQ(stepper.step(1, "", now).error->code, Code::protocol);
    EXPECT_EQ(alive, 0);
}

TEST_F(Steps, AllInAllTheyAreBounded) {
    Stepper stepper = make({1, 1});
    EXPECT_TRUE(stepper.step(1, "last", now).established);
    EXPECT_EQ(stepper.step(2, "", now).error->code, Code::denied);
}

TEST_F(Steps, ATokenAbove128KiBEndsItsHandshake) {
    Stepper stepper = make({1, 0});
    EXPECT_FALSE(stepper.step(1, std::string(max_token, 'x'), now).error);
    EXPECT_EQ(stepper.step(1, std::string(max_token + 1, 'x'), now).error->code, Code::limit);
    EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace mutual::keys
