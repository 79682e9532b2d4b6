// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/accept_queue.h"

#include <gtest/gtest.h>

#include "varlink/deadline.h"

namespace mutual::broker {
namespace {

using namespace std::chrono_literals;
using Clock = AcceptQueue::Clock;

using Waiter = std::shared_ptr<AcceptQueue::Waiter>;
template <class T>
using Running = std::shared_ptr<varlink::detail::Beside<Result<T>>>;

class AcceptQueueTest : public testing::Test {
protected:
    // A call of Accept.
    Running<Accepted> call(Clock::duration time = 10s) {
        return start(queue_.wait("ledger", 1000, "", Clock::now() + time));
    }
    // An admission that takes a call.
    Running<Waiter> handshake(Clock::duration time = 10s, std::size_t most = 2) {
        return start(queue_.take("ledger", Clock::now() + time, most));
    }
    template <class T>
    Running<T> start(asio::awaitable<Result<T>> work) {
        auto running = std::make_shared<varlink::detail::Beside<Result<T>>>(loop_);
        varlink::detail::start(loop_, running, std::move(work));
        turn();
        return running;
    }
    template <class T>
    void cancel(const Running<T>& running) {
        running->cancellation.emit(asio::cancellation_type::terminal);
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
    // Waits for it.
    Code refusal(const Running<Waiter>& running) {
        for (const auto bound = Clock::now() + 10s; !running->finished && Clock::now() < bound;) turn();
        return running->result.value().error().code;
    }

    asio::io_context loop_;
    AcceptQueue queue_{loop_};
};

TEST_F(AcceptQueueTest, GivesTheFirstChannelToTheLongestWaitingCall) {
    const auto first = call();
    const auto second = call();
    const auto taken = handshake();
    ASSERT_TRUE(taken->finished);
    AcceptQueue::fulfil(**taken->result, channel("c1"));
    turn();
    ASSERT_TRUE(first->finished);
    EXPECT_EQ((*first->result)->channel, "c1");
    EXPECT_FALSE(second->finished);
}

TEST_F(AcceptQueueTest, LetsAHandshakeWaitForACall) {
    const auto taken = handshake();
    EXPECT_FALSE(taken->finished);
    const auto late = call();
    ASSERT_TRUE(taken->finished);
    AcceptQueue::fulfil(**taken->result, channel("c1"));
    turn();
    EXPECT_EQ((*late->result)->channel, "c1");
}

TEST_F(AcceptQueueTest, RefusesAHandshakeForWhichNobodyCallsInTime) {
    EXPECT_EQ(refusal(handshake(1ms)), Code::unavailable);
}

TEST_F(AcceptQueueTest, BoundsTheHandshakesThatWait) {
    const auto first = handshake();
    const auto second = handshake();
    EXPECT_EQ(refusal(handshake()), Code::limit);
    EXPECT_FALSE(first->finished || second->finished);
}

TEST_F(AcceptQueueTest, PutsACallWhoseHandshakeFailedBackToTheFront) {
    const auto first = call();
    const auto second = call();
    const auto failing = handshake();
    ASSERT_TRUE(failing->finished);
    queue_.give_back("ledger", **failing->result);
    const auto next = handshake();
    ASSERT_TRUE(next->finished);
    EXPECT_EQ(**failing->result, **next->result);
}

TEST_F(AcceptQueueTest, ForgetsACallerThatHungUp) {
    const auto gone = call();
    cancel(gone);
    EXPECT_TRUE(gone->failure);
    EXPECT_EQ(refusal(handshake(1ms)), Code::unavailable);
}

TEST_F(AcceptQueueTest, EndsTheChannelOfACallerThatHungUpAfterItWasTaken) {
    const auto gone = call();
    const auto taken = handshake();
    ASSERT_TRUE(taken->finished);
    cancel(gone);
    Accepted accepted = channel("c1");
    auto pair = varlink::socket_pair();
    accepted.program = std::move(pair->first);
    AcceptQueue::fulfil(**taken->result, std::move(accepted));
    char octet = 0;
    EXPECT_EQ(::read(pair->second.value(), &octet, 1), 0);
}

TEST_F(AcceptQueueTest, EndsACallWhoseTimeIsOver) {
    const auto call_in_vain = call(1ms);
    ASSERT_TRUE(call_in_vain->finished);
    EXPECT_EQ(call_in_vain->result->error().code, Code::timed_out);
}

}  // namespace
}  // namespace mutual::broker
