// SPDX-License-Identifier: Apache-2.0
#include "varlink/linger_bound.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "varlink/socket.h"

namespace mutual::varlink {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds lingering{20};

// A connection over the loopback whose peer reads nothing, with octets on their way and SO_LINGER.
class Lingering {
public:
    Lingering() {
        UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const int small = 4096;
        ::setsockopt(listener.value(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        socket_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::bind(listener.value(), generic, size) != 0 || ::listen(listener.value(), 1) != 0 ||
            ::getsockname(listener.value(), generic, &size) != 0 ||
            ::connect(socket_.value(), generic, size) != 0)
            std::abort();
        peer_ = UniqueFd(::accept4(listener.value(), nullptr, nullptr, SOCK_CLOEXEC));
        const std::string octets(65536, 'x');
        while (::send(socket_.value(), octets.data(), octets.size(), MSG_DONTWAIT) > 0) {
        }
        const linger long_one{1, static_cast<int>(lingering.count())};
        ::setsockopt(socket_.value(), SOL_SOCKET, SO_LINGER, &long_one, sizeof long_one);
    }
    UniqueFd take() { return std::move(socket_); }

private:
    UniqueFd socket_;
    UniqueFd peer_;
};

// A connection of which the other end has passed us such a socket, with an octet, and keeps no copy.
struct Passed {
    Passed() {
        auto ends = socket_pair();
        std::vector<UniqueFd> descriptors;
        descriptors.push_back(lingers.take());
        std::size_t sent = 0;
        EXPECT_EQ(send_some(ends->first.value(), "x", descriptors, sent), Transfer::done);
        ours = std::move(ends->second);
        theirs = std::move(ends->first);
    }
    Lingering lingers;
    UniqueFd ours;
    UniqueFd theirs;
};

Clock::duration taken(const auto& what) {
    const auto began = Clock::now();
    what();
    return Clock::now() - began;
}

constexpr auto soon = 2s;

TEST(LingerBound, ADescriptorThatNobodyAskedForIsDroppedWithoutWaiting) {
    const LingerBound bound;
    Passed passed;
    std::string bytes;
    std::vector<UniqueFd> descriptors;
    EXPECT_LT(taken([&] {
                  EXPECT_EQ(receive_some(passed.ours.value(), bytes, descriptors, 0), Transfer::failed);
                  EXPECT_EQ(errno, EMSGSIZE);
              }),
              soon);
    EXPECT_TRUE(descriptors.empty());
}

TEST(LingerBound, OneThatWasReceivedIsClosedWithoutWaiting) {
    const LingerBound bound;
    Passed passed;
    std::string bytes;
    std::vector<UniqueFd> descriptors;
    ASSERT_EQ(receive_some(passed.ours.value(), bytes, descriptors, 1), Transfer::done);
    ASSERT_EQ(descriptors.size(), 1U);
    EXPECT_LT(taken([&] { descriptors.clear(); }), soon);
}

TEST(LingerBound, AConnectionWithOneUnreadIsClosedWithoutWaiting) {
    const LingerBound bound;
    Passed passed;
    EXPECT_LT(taken([&] { passed.ours.reset(); }), soon);
}

TEST(LingerBound, HoldsInAThreadThatBlocksSignalsAndAfterARest) {
    Clock::duration longest{};
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread thread([&] {
        const LingerBound bound;
        for (int i = 0; i < 3; ++i) {
            Passed passed;
            std::this_thread::sleep_for(LingerBound::patience * 20);  // by now nobody watches
            longest = std::max(longest, taken([&] { passed.ours.reset(); }));
        }
    });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    thread.join();
    EXPECT_LT(longest, soon);
}

}  // namespace
}  // namespace mutual::varlink
