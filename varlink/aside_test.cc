// SPDX-License-Identifier: Apache-2.0
#include "varlink/aside.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <future>
#include <stdexcept>

namespace mutual::varlink {
namespace {

using namespace std::chrono_literals;

class AsideTest : public testing::Test {
protected:
    Result<std::string> run(Aside<std::string>::Work work, std::chrono::milliseconds time = 10s) {
        auto asking = std::make_shared<detail::Beside<Result<std::string>>>(loop_);
        detail::start(loop_, asking, aside_.run(std::move(work), time));
        loop_.restart();
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (!asking->finished && std::chrono::steady_clock::now() < end) loop_.run_one_for(1s);
        if (!asking->result) return Error(Code::internal, Stage::request, "it threw, or never ended");
        return *asking->result;
    }

    asio::io_context loop_;
    Aside<std::string> aside_{loop_, "look"};
};

TEST_F(AsideTest, GivesWhatWasReturnedOfAnotherThread) {
    const auto here = std::this_thread::get_id();
    const auto found =
        run([here] { return std::string(std::this_thread::get_id() == here ? "here" : "there"); });
    ASSERT_TRUE(found);
    EXPECT_EQ(*found, "there");
}

TEST_F(AsideTest, AnExceptionIsAnError) {
    const auto thrown = run([]() -> std::string { throw std::runtime_error("it broke"); });
    ASSERT_FALSE(thrown);
    EXPECT_EQ(thrown.error().code, Code::internal);
    EXPECT_EQ(thrown.error().message, "look: it broke");
    const auto full = run([]() -> std::string { throw std::bad_alloc(); });
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code, Code::limit);
    EXPECT_TRUE(run([] { return std::string("again"); }));
}

TEST_F(AsideTest, WhatDoesNotComeBackIsLeftBehindAndKeepsOthersFromPilingUp) {
    std::promise<void> gate;
    const std::shared_future<void> opened = gate.get_future();
    const auto work = [opened] {
        opened.wait();
        return std::string("late");
    };
    const auto late = run(work, 20ms);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, Code::timed_out);
    EXPECT_EQ(late.error().message, "look: not done within 20 ms");
    const auto another = run([] { return std::string(); });
    ASSERT_FALSE(another);
    EXPECT_EQ(another.error().message, "look: an earlier attempt is not back yet");
    gate.set_value();
    const auto end = std::chrono::steady_clock::now() + 10s;
    Result<std::string> found = run([] { return std::string("again"); });
    while (!found && std::chrono::steady_clock::now() < end) found = run([] { return std::string("again"); });
    EXPECT_TRUE(found);
}

TEST_F(AsideTest, NobodyWaitsForItAtTheEnd) {
    std::promise<void> gate;
    const std::shared_future<void> opened = gate.get_future();
    const auto returned = std::make_shared<std::promise<void>>();
    {
        asio::io_context loop;
        Aside<int> aside(loop, "look");
        auto asking = std::make_shared<detail::Beside<Result<int>>>(loop);
        const auto work = [opened, returned] {
            opened.wait();
            returned->set_value();
            return 1;
        };
        detail::start(loop, asking, aside.run(work, 10s));
        loop.poll();
        EXPECT_FALSE(asking->finished);
    }
    gate.set_value();
    EXPECT_EQ(returned->get_future().wait_for(10s), std::future_status::ready);
}

TEST_F(AsideTest, WithoutDescriptorsItIsRefused) {
    ASSERT_TRUE(run([] { return std::string("the loop has its own descriptors now"); }));
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit none = before;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_NOFILE, &none);
    const auto refused = run([] { return std::string(); });
    ::setrlimit(RLIMIT_NOFILE, &before);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::limit);
    EXPECT_TRUE(run([] { return std::string("again"); }));
}

}  // namespace
}  // namespace mutual::varlink
