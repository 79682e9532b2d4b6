// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/turns.h"

#include <gtest/gtest.h>

#include <vector>

#include "varlink/deadline.h"

namespace mutual::broker {
namespace {

using namespace std::chrono_literals;
constexpr uid_t alice = 1001;
constexpr uid_t bob = 1002;

class TurnsTest : public testing::Test {
protected:
    using Asking = std::shared_ptr<varlink::detail::Beside<Turns::Turn>>;

    Asking ask(uid_t uid) {
        auto asking = std::make_shared<varlink::detail::Beside<Turns::Turn>>(loop_);
        varlink::detail::start(loop_, asking, turns_.take(uid));
        run();
        return asking;
    }
    std::vector<Asking> ask(uid_t uid, int times) {
        std::vector<Asking> all;
        all.reserve(static_cast<std::size_t>(times));
        for (int i = 0; i < times; ++i) all.push_back(ask(uid));
        return all;
    }
    // As long as something is to be done at once.
    void run() {
        loop_.restart();
        loop_.poll();
    }
    // Until the asking has its turn.
    bool gets_its_turn(const Asking& asking) {
        const auto end = Turns::Clock::now() + 10s;
        loop_.restart();
        while (!asking->finished && Turns::Clock::now() < end) loop_.run_one_for(1s);
        return asking->finished && asking->result;
    }
    static std::size_t count(const std::vector<Asking>& all) {
        std::size_t having = 0;
        for (const Asking& one : all) having += one->finished ? 1U : 0U;
        return having;
    }
    void end(const Asking& asking) {
        asking->result.reset();
        run();
    }
    void cancel(const Asking& asking) {
        asking->cancellation.emit(asio::cancellation_type::terminal);
        run();
    }

    asio::io_context loop_;
    Turns turns_{loop_, {.alone = 3, .contended = 1, .longest = 1h, .memory = 1h, .rest = 0}};
};

TEST_F(TurnsTest, OneUserAloneHasSeveral) {
    const auto of_alice = ask(alice, 5);
    EXPECT_EQ(count(of_alice), 3U);
    EXPECT_EQ(turns_.waiting(), 2U);
    end(of_alice[1]);
    EXPECT_TRUE(of_alice[3]->finished);
    EXPECT_FALSE(of_alice[4]->finished);
}

TEST_F(TurnsTest, WhoComesSecondNeedNotWaitForTheFirst) {
    const auto of_bob = ask(bob, 100);
    const auto of_alice = ask(alice);
    EXPECT_TRUE(of_alice->finished);
    EXPECT_EQ(count(of_bob), 3U);
}

TEST_F(TurnsTest, WhileOthersAskAUserHasOneAtATimeInOrder) {
    const auto of_bob = ask(bob, 6);
    const auto of_alice = ask(alice);
    for (std::size_t i = 0; i < 2; ++i) {
        end(of_bob[i]);
        run();
    }
    EXPECT_EQ(count(of_bob), 3U);  // the third is out
    end(of_bob[2]);
    EXPECT_TRUE(gets_its_turn(of_bob[3]));
    EXPECT_EQ(count(of_bob), 4U);
}

TEST_F(TurnsTest, WhileOthersAskALineRestsAfterEachTurn) {
    turns_ = Turns(loop_, {.alone = 1, .contended = 1, .longest = 1h, .memory = 1h, .rest = 1'000'000});
    const auto of_bob = ask(bob, 3);
    const auto of_alice = ask(alice);
    end(of_bob[0]);
    EXPECT_EQ(count(of_bob), 1U);
    EXPECT_EQ(turns_.waiting(), 2U);
    end(of_alice);
    EXPECT_TRUE(ask(alice)->finished) << "who has no line rests";
}

TEST_F(TurnsTest, ARestEnds) {
    turns_ = Turns(loop_, {.alone = 1, .contended = 1, .longest = 1h, .memory = 1h, .rest = 1});
    const auto of_bob = ask(bob, 2);
    const auto of_alice = ask(alice);
    end(of_bob[0]);
    EXPECT_TRUE(gets_its_turn(of_bob[1]));
}

TEST_F(TurnsTest, WhoIsCancelledLeavesTheLine) {
    const auto of_alice = ask(alice, 5);
    cancel(of_alice[3]);
    EXPECT_TRUE(of_alice[3]->failure);
    EXPECT_EQ(turns_.waiting(), 1U);
    end(of_alice[0]);
    EXPECT_TRUE(of_alice[4]->finished);
}

TEST_F(TurnsTest, ATurnThatLastsGoesToTheNext) {
    turns_ = Turns(loop_, {.alone = 1, .contended = 1, .longest = 10ms, .memory = 1h, .rest = 0});
    const auto first = ask(alice);
    const auto second = ask(alice);
    EXPECT_FALSE(second->finished);
    EXPECT_TRUE(gets_its_turn(second));
    EXPECT_TRUE(first->result);
    end(first);  // it is given back no second time
    EXPECT_FALSE(ask(alice)->finished);
}

TEST_F(TurnsTest, OthersCountNoLongerWhenTheyAreQuiet) {
    turns_ = Turns(loop_, {.alone = 2, .contended = 1, .longest = 1h, .memory = 0s, .rest = 0});
    const auto of_bob = ask(bob);
    const auto of_alice = ask(alice, 2);
    EXPECT_EQ(count(of_alice), 1U);
    end(of_bob);
    end(of_alice[0]);
    EXPECT_TRUE(of_alice[1]->finished);
    EXPECT_TRUE(ask(alice)->finished);
}

}  // namespace
}  // namespace mutual::broker
