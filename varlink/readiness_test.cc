// SPDX-License-Identifier: Apache-2.0
#include "varlink/readiness.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <optional>
#include <thread>

namespace mutual::varlink {
namespace {

using Descriptor = asio::posix::stream_descriptor;

class ReadinessTest : public testing::Test {
protected:
    static std::array<int, 2> pair() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
        return ends;
    }
    void watch(Descriptor& descriptor) {
        asio::co_spawn(loop_, until_ready(descriptor, Descriptor::wait_error),
                       [this](const std::exception_ptr&) { ++ended_; });
    }
    void run() {
        loop_.restart();
        loop_.run_for(std::chrono::milliseconds(50));
    }

    asio::io_context loop_;
    int ended_ = 0;
};

TEST_F(ReadinessTest, ASignalIsNoReadiness) {
    const auto ends = pair();
    struct sigaction action {};
    action.sa_handler = [](int) {};
    ::sigaction(SIGURG, &action, nullptr);
    std::atomic<bool> done = false;
    std::thread signals([&done, us = ::pthread_self()] {
        while (!done) ::pthread_kill(us, SIGURG);
    });
    int ready = 0;
    for (int i = 0; i < 100'000; ++i) ready += is_ready(ends[0], Descriptor::wait_read) ? 1 : 0;
    done = true;
    signals.join();
    EXPECT_EQ(ready, 0);
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_F(ReadinessTest, KnowsWhatIsReady) {
    const auto ends = pair();
    EXPECT_FALSE(is_ready(ends[0], Descriptor::wait_read));
    EXPECT_TRUE(is_ready(ends[0], Descriptor::wait_write));
    EXPECT_FALSE(is_ready(ends[0], Descriptor::wait_error));
    ASSERT_EQ(::write(ends[1], "x", 1), 1);
    EXPECT_TRUE(is_ready(ends[0], Descriptor::wait_read));
    ::close(ends[1]);
    EXPECT_TRUE(is_ready(ends[0], Descriptor::wait_error));
    ::close(ends[0]);
}

TEST_F(ReadinessTest, AWaitEndsWhenThePeerHangsUp) {
    const auto ends = pair();
    Descriptor watched(loop_, ends[0]);
    watch(watched);
    run();
    EXPECT_EQ(ended_, 0);
    ::close(ends[1]);
    run();
    EXPECT_EQ(ended_, 1);
}

// In one turn of the loop a first descriptor is readable and a second has hung up; the first one's handler
// closes the second, and a third takes its place in the reactor.
TEST_F(ReadinessTest, AnEventOfTheDescriptorThatHadThePlaceEndsNoWait) {
    const auto first = pair(), second = pair(), third = pair();
    Descriptor readable(loop_, first[0]), leaving(loop_, second[0]);
    std::optional<Descriptor> watched;
    readable.async_wait(Descriptor::wait_read, [&](const boost::system::error_code&) {
        leaving.close();
        watched.emplace(loop_, third[0]);
        watch(*watched);
    });
    leaving.async_wait(Descriptor::wait_error, [](const boost::system::error_code&) {});
    loop_.poll();
    ASSERT_EQ(::write(first[1], "x", 1), 1);
    ::close(second[1]);
    run();
    ASSERT_TRUE(watched);
    EXPECT_EQ(ended_, 0);
    ::close(third[1]);
    run();
    EXPECT_EQ(ended_, 1);
    ::close(first[1]);
}

}  // namespace
}  // namespace mutual::varlink
