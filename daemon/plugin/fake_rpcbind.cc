// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin/fake_rpcbind.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "wire/rpc_record.h"

namespace mutual::plugin {
namespace {

Bytes bytes_of(const std::string& text) { return std::as_bytes(std::span(text.data(), text.size())); }

UniqueFd listen_tcp(const std::string& address, std::uint16_t port) {
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(port);
    EXPECT_EQ(::inet_pton(AF_INET, address.c_str(), &place.sin_addr), 1);
    UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(listener.value(), reinterpret_cast<sockaddr*>(&place), sizeof place), 0);
    EXPECT_EQ(::listen(listener.value(), 8), 0);
    return listener;
}

}  // namespace

FakeRpcbind::FakeRpcbind(Answer answer, UniqueFd listener)
    : answer_(std::move(answer)), listener_(std::move(listener)), end_(::eventfd(0, EFD_CLOEXEC)) {
    sockaddr_in place{};
    socklen_t size = sizeof place;
    EXPECT_EQ(::getsockname(listener_.value(), reinterpret_cast<sockaddr*>(&place), &size), 0);
    port_ = ntohs(place.sin_port);
    thread_ = std::thread([this] { run(); });
}

FakeRpcbind::FakeRpcbind(Answer answer, const std::string& address, std::uint16_t port)
    : FakeRpcbind(std::move(answer), listen_tcp(address, port)) {}

FakeRpcbind::~FakeRpcbind() {
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(end_.value(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
    thread_.join();
}

std::vector<std::string> FakeRpcbind::calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
}

bool FakeRpcbind::readable(int socket) const {
    std::array<pollfd, 2> asked{pollfd{socket, POLLIN, 0}, pollfd{end_.value(), POLLIN, 0}};
    while (::poll(asked.data(), asked.size(), -1) < 0) continue;
    return asked[1].revents == 0;
}

void FakeRpcbind::run() {
    while (readable(listener_.value())) {
        const UniqueFd socket(::accept4(listener_.value(), nullptr, nullptr, SOCK_CLOEXEC));
        if (socket) serve(socket.value());
    }
}

void FakeRpcbind::serve(int socket) {
    wire::RecordReader reader(1UL << 16);
    std::array<std::byte, 4096> buffer;
    while (readable(socket)) {
        const auto arrived = ::recv(socket, buffer.data(), buffer.size(), 0);
        if (arrived <= 0) return;
        MutableBytes input(buffer.data(), static_cast<std::size_t>(arrived));
        const auto record = reader.next(input);
        if (!record || !*record) continue;
        const auto call = wire::read_call(**record);
        if (!call) return;
        {
            const std::lock_guard lock(mutex_);
            calls_.push_back("v" + std::to_string(call->version) + " " + std::to_string(call->procedure));
        }
        const Octets answer = answer_(*call);
        if (!answer.empty() && ::send(socket, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return;
    }
}

Octets marked(const wire::XdrWriter& message) {
    const Bytes body = message.view();
    const auto mark = wire::mark_of(body.size());
    Octets octets(mark.begin(), mark.end());
    octets.insert(octets.end(), body.begin(), body.end());
    return octets;
}

Octets success(const wire::Call& call, const std::function<void(wire::XdrWriter&)>& put_results) {
    wire::XdrWriter out;
    wire::put_accepted(out, call.xid, {}, wire::AcceptStatus::success);
    put_results(out);
    return marked(out);
}

Octets flag(const wire::Call& call, bool value) {
    return success(call, [value](wire::XdrWriter& out) { out.number(value ? 1 : 0); });
}

Octets address(const wire::Call& call, const std::string& universal) {
    return success(call, [&universal](wire::XdrWriter& out) { out.opaque(bytes_of(universal)); });
}

Octets list(const wire::Call& call, const std::vector<wire::RpcbindEntry>& entries) {
    return success(call, [&entries](wire::XdrWriter& out) {
        for (const auto& entry : entries) {
            for (const std::uint32_t word : {1U, entry.program, entry.version}) out.number(word);
            for (const auto& text : {entry.netid, entry.address, entry.owner}) out.opaque(bytes_of(text));
        }
        out.number(0);
    });
}

Octets without_results(const wire::Call& call, wire::AcceptStatus status) {
    wire::XdrWriter out;
    wire::put_accepted(out, call.xid, {}, status);
    if (status == wire::AcceptStatus::program_mismatch)
        for (const std::uint32_t version : {2U, 2U}) out.number(version);
    return marked(out);
}

}  // namespace mutual::plugin
