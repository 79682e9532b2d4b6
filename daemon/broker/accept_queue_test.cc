// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/accept_queue.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>

namespace mutual::broker {
namespace {

using namespace std::chrono_literals;
using Clock = AcceptQueue::Clock;

class AcceptQueueTest : public testing::Test {
protected:
    // Starts a call of Accept; its outcome lands in `outcomes_` under that name.
    std::shared_ptr<asio::cancellation_signal> call(const std::string& name, Clock::duration time = 10s) {
        auto signal = std::make_shared<asio::cancellation_signal>();
        asio::co_spawn(loop_, queue_.wait("ledger", 1000, Clock::now() + time),
                       asio::bind_cancellation_slot(signal->slot(), [this, name, signal](std::exception_ptr failure,
                                                                                         Result<Accepted> accepted) {
                           if (failure) outcomes_[name] = "cancelled";
                           else if (accepted) outcomes_[name] = accepted->channel;
                           else outcomes_[name] = mutual::name(accepted.error().code);
                       }));
        turn();
        return signal;
    }
    // Starts an admission that takes a call.
    void handshake(Clock::duration time = 10s, std::size_t most = 2) {
        asio::co_spawn(loop_, queue_.take("ledger", Clock::now() + time, most),
                       [this](std::exception_ptr, Result<std::shared_ptr<AcceptQueue::Waiter>> taken) {
                           if (taken) taken_.push_back(*taken);
                           else refusals_.emplace_back(mutual::name(taken.error().code));
                       });
        turn();
    }
    void turn() {
        loop_.restart();
        loop_.run_for(5ms);
    }
    static Accepted channel(std::string id) {
        Accepted accepted;
        accepted.channel = std::move(id);
        return accepted;
    }

    asio::io_context loop_;
    AcceptQueue queue_{loop_};
    std::map<std::string, std::string> outcomes_;
    std::vector<std::shared_ptr<AcceptQueue::Waiter>> taken_;
    std::vector<std::string> refusals_;
};

TEST_F(AcceptQueueTest, GivesTheFirstChannelToTheLongestWaitingCall) {
    call("first");
    call("second");
    handshake();
    ASSERT_EQ(taken_.size(), 1u);
    AcceptQueue::fulfil(taken_[0], channel("c1"));
    turn();
    EXPECT_EQ(outcomes_, (std::map<std::string, std::string>{{"first", "c1"}}));
}

TEST_F(AcceptQueueTest, LetsAHandshakeWaitForACall) {
    handshake();
    EXPECT_TRUE(taken_.empty());
    call("late");
    ASSERT_EQ(taken_.size(), 1u);
    AcceptQueue::fulfil(taken_[0], channel("c1"));
    turn();
    EXPECT_EQ(outcomes_["late"], "c1");
}

TEST_F(AcceptQueueTest, RefusesAHandshakeForWhichNobodyCallsInTime) {
    handshake(1ms);
    EXPECT_EQ(refusals_, (std::vector<std::string>{"Unavailable"}));
}

TEST_F(AcceptQueueTest, BoundsTheHandshakesThatWait) {
    handshake();
    handshake();
    handshake();
    EXPECT_EQ(refusals_, (std::vector<std::string>{"Limit"}));
}

TEST_F(AcceptQueueTest, PutsACallWhoseHandshakeFailedBackToTheFront) {
    call("first");
    call("second");
    handshake();
    ASSERT_EQ(taken_.size(), 1u);
    queue_.give_back("ledger", taken_[0]);
    handshake();
    ASSERT_EQ(taken_.size(), 2u);
    EXPECT_EQ(taken_[0], taken_[1]);
}

TEST_F(AcceptQueueTest, ForgetsACallerThatHungUp) {
    const auto signal = call("gone");
    signal->emit(asio::cancellation_type::terminal);
    turn();
    EXPECT_EQ(outcomes_["gone"], "cancelled");
    handshake(1ms);
    EXPECT_TRUE(taken_.empty());
    EXPECT_EQ(refusals_.size(), 1u);
}

TEST_F(AcceptQueueTest, EndsTheChannelOfACallerThatHungUpAfterItWasTaken) {
    const auto signal = call("gone");
    handshake();
    ASSERT_EQ(taken_.size(), 1u);
    signal->emit(asio::cancellation_type::terminal);
    turn();
    EXPECT_TRUE(taken_[0]->gone);
    Accepted accepted = channel("c1");
    auto pair = varlink::socket_pair();
    accepted.program = std::move(pair->first);
    AcceptQueue::fulfil(taken_[0], std::move(accepted));
    char octet = 0;
    EXPECT_EQ(::read(pair->second.value(), &octet, 1), 0);
}

TEST_F(AcceptQueueTest, EndsACallWhoseTimeIsOver) {
    call("short", 1ms);
    turn();
    EXPECT_EQ(outcomes_["short"], "TimedOut");
}

}  // namespace
}  // namespace mutual::broker
