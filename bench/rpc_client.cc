// SPDX-License-Identifier: Apache-2.0
// Calls rpc_server, on descriptor 3 or at a place (bench/sockets.h), with so many calls in flight; shows how
// many a second.
//   rpc_client CALLS SIZE IN_FLIGHT [PLACE]
#include <poll.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "bench/rpc_echo.h"
#include "bench/sockets.h"

namespace {

using namespace mutual;
using namespace mutual::bench;

constexpr int channel_fd = 3;

class Client {
public:
    Client(int fd, std::size_t size, std::uint32_t in_flight) : fd_(fd), most_(in_flight) {
        wire::XdrWriter argument;
        argument.opaque(std::vector<std::byte>(size, std::byte{'x'}));
        argument_ = argument.take();
    }

    // Returns when all are answered.
    void call(std::uint32_t count) {
        for (std::uint32_t asked = 0, answered = 0; answered < count;) {
            for (; asked < count && asked - answered < most_; ++asked) put_call(asked);
            send();
            answered += receive();
        }
    }

private:
    static constexpr std::size_t head = 40;  // octets of a call without a credential

    void put_call(std::uint32_t xid) {
        put_mark(out_, head + argument_.size());
        wire::put_call(out_, xid, echo_program, echo_version, echo_procedure);
        wire::put_auth(out_, wire::AuthFlavor::none, {});
        wire::put_auth(out_, wire::AuthFlavor::none, {});
        out_.raw(argument_);
    }

    bool has_unsent() const { return sent_ < out_.view().size(); }

    // As much as the channel takes now.
    void send() {
        while (has_unsent()) {
            const Bytes rest = out_.view().subspan(sent_);
            const ssize_t taken = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (taken < 0 && errno == EAGAIN) return;
            if (taken < 0) throw std::runtime_error("the channel broke");
            sent_ += static_cast<std::size_t>(taken);
        }
        out_ = {};
        sent_ = 0;
    }

    // Waits for replies, or for room if there is more to send; how many came. Whoever waits in recv() itself
    // is also woken whenever the other side has read.
    std::uint32_t receive() {
        pollfd ready{fd_, static_cast<short>(has_unsent() ? POLLIN | POLLOUT : POLLIN), 0};
        ::poll(&ready, 1, -1);
        if ((ready.revents & (POLLIN | POLLHUP | POLLERR)) == 0) return 0;
        const ssize_t got = ::recv(fd_, in_.data(), in_.size(), 0);
        if (got <= 0) throw std::runtime_error("the channel ended");
        std::uint32_t replies = 0;
        for (MutableBytes input(in_.data(), static_cast<std::size_t>(got)); !input.empty();)
            if (const auto record = good(reader_.next(input))) {
                check(*record);
                ++replies;
            }
        return replies;
    }

    void check(MutableBytes record) const {
        const auto reply = good(wire::read_reply(record));
        const bool same = reply.results.size() == argument_.size() &&
                          std::memcmp(reply.results.data(), argument_.data(), argument_.size()) == 0;
        if (reply.kind != wire::Reply::Kind::accepted || !same)
            throw std::runtime_error("this is not what was sent");
    }

    int fd_;
    std::uint32_t most_;
    std::vector<std::byte> argument_;
    wire::XdrWriter out_;
    std::size_t sent_ = 0;
    std::vector<std::byte> in_ = std::vector<std::byte>(room);
    wire::RecordReader reader_{wire::default_record};
};

std::uint32_t number(const char* word) { return static_cast<std::uint32_t>(std::strtoul(word, nullptr, 10)); }

}  // namespace

int main(int words, char** word) {
    try {
        if (words < 4) throw std::runtime_error("usage: rpc_client CALLS SIZE IN_FLIGHT [PLACE]");
        const std::uint32_t calls = number(word[1]);
        Client client(words > 4 ? connect_to(word[4]) : channel_fd, number(word[2]), number(word[3]));
        client.call(number(word[3]));
        const auto begun = std::chrono::steady_clock::now();
        client.call(calls);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
        std::printf("{\"per_second\": %f}\n", calls / took.count());
        return 0;
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "rpc_client: %s\n", failure.what());
        return 1;
    }
}
