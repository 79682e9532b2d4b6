// SPDX-License-Identifier: Apache-2.0
#include "client/relay.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>
#include <thread>

#include "varlink/unique_fd.h"

namespace mutual::client {
namespace {

struct Pipe {
    Pipe() {
        std::array<int, 2> fds{};
        if (::pipe2(fds.data(), O_CLOEXEC) != 0) std::abort();
        reader.reset(fds[0]);
        writer.reset(fds[1]);
    }
    UniqueFd reader;
    UniqueFd writer;
};

std::string read_all(int fd) {
    std::string text;
    std::array<char, 65536> buffer{};
    for (;;) {
        const ssize_t count = ::read(fd, buffer.data(), buffer.size());
        if (count <= 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(count));
    }
}

void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::write(fd, text.data(), text.size());
        if (count <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
}

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
    return text;
}

// A relay on a thread: `peer` is the far end of the channel, `input` and `output` what the user holds.
class RelayTest : public testing::Test {
protected:
    RelayTest() {
        ::signal(SIGPIPE, SIG_IGN);
        std::array<int, 2> fds{};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0) std::abort();
        peer_.reset(fds[0]);
        channel_.reset(fds[1]);
    }
    ~RelayTest() override {
        if (thread_.joinable()) thread_.join();
    }
    void start() {
        thread_ = std::thread([this] {
            result_ = relay(channel_.value(), input_.reader.value(), output_.writer.value());
            channel_.reset();
        });
    }
    Result<void> finish() {
        thread_.join();
        return result_;
    }

    UniqueFd peer_;
    UniqueFd channel_;
    Pipe input_;
    Pipe output_;
    Result<void> result_;
    std::thread thread_;
};

TEST_F(RelayTest, CarriesMegabytesBothWaysUnchangedAndHalfCloses) {
    start();
    const std::string sent = pattern(5'000'000);
    const std::string answered = pattern(3'000'000);
    std::thread user([&] {
        write_all(input_.writer.value(), sent);
        input_.writer.reset();
    });
    std::thread peer([&] {
        EXPECT_EQ(read_all(peer_.value()), sent);  // ends only at our half-close
        write_all(peer_.value(), answered);
        ::shutdown(peer_.value(), SHUT_WR);
    });
    EXPECT_EQ(read_all(output_.reader.value()), answered);
    user.join();
    peer.join();
    EXPECT_TRUE(finish());
}

TEST_F(RelayTest, GoesOnSendingAfterThePeersEnd) {
    start();
    ::shutdown(peer_.value(), SHUT_WR);
    EXPECT_EQ(read_all(output_.reader.value()), "");  // the end is shown at once
    write_all(input_.writer.value(), "late words");
    input_.writer.reset();
    EXPECT_EQ(read_all(peer_.value()), "late words");
    EXPECT_TRUE(finish());
}

TEST_F(RelayTest, EndsWhenThePeerHasClosedBothDirectionsThoughInputIsOpen) {
    start();
    write_all(peer_.value(), "bye");
    peer_.reset();
    EXPECT_EQ(read_all(output_.reader.value()), "bye");
    EXPECT_TRUE(finish());
}

TEST_F(RelayTest, ReadsFromThePeerWhileThePeerDoesNotRead) {
    start();
    std::thread user(
        [&] { write_all(input_.writer.value(), pattern(4'000'000)); });  // more than all buffers hold
    write_all(peer_.value(), "answer");
    std::array<char, 6> answer{};
    ASSERT_EQ(::read(output_.reader.value(), answer.data(), answer.size()), 6);
    EXPECT_EQ(std::string_view(answer.data(), 6), "answer");
    char unread = 0;
    ASSERT_EQ(::recv(peer_.value(), &unread, 1, MSG_PEEK), 1);
    peer_.reset();
    const auto ended = finish();
    EXPECT_FALSE(ended);  // what we sent was lost, and that is told
    if (!ended) {
        EXPECT_NE(ended.error().message.find("send to the peer"), std::string::npos);
    }
    input_.reader.reset();
    user.join();
}

TEST_F(RelayTest, SendsToThePeerWhileNobodyReadsOutput) {
    start();
    std::thread peer([&] { write_all(peer_.value(), pattern(4'000'000)); });
    write_all(input_.writer.value(), "question");
    std::array<char, 8> question{};
    ASSERT_EQ(::recv(peer_.value(), question.data(), question.size(), MSG_WAITALL), 8);
    EXPECT_EQ(std::string_view(question.data(), 8), "question");
    output_.reader.reset();
    const auto ended = finish();
    EXPECT_FALSE(ended);
    if (!ended) {
        EXPECT_NE(ended.error().message.find("write standard output"), std::string::npos);
    }
    peer_.reset();
    peer.join();
}

}  // namespace
}  // namespace mutual::client
