// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin/rpcbind.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <random>
#include <system_error>

#include "varlink/socket.h"
#include "wire/rpc_message.h"

namespace mutual::plugin {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct Release {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

std::string reason() { return std::generic_category().message(errno); }

// Of a numeric address; nothing if it is none.
std::unique_ptr<addrinfo, Release> socket_address(const std::string& address, std::uint16_t port) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &wanted, &list) != 0) return nullptr;
    return std::unique_ptr<addrinfo, Release>(list);
}

// 0 once there is something of these events, or an errno: ETIMEDOUT at the deadline.
int wait_for(int socket, short events, Deadline deadline) {
    for (;;) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
        if (left <= 0) return ETIMEDOUT;
        pollfd asked{socket, events, 0};
        const int ready = ::poll(&asked, 1, static_cast<int>(std::min<long long>(left, 60'000)));
        if (ready < 0 && errno != EINTR) return errno;
        if (ready > 0) return 0;
    }
}

// 0, or an errno. Until it is connected, refused, or late.
int finish_connecting(int socket, Deadline deadline) {
    if (const int failure = wait_for(socket, POLLOUT, deadline); failure != 0) return failure;
    int failure = 0;
    socklen_t size = sizeof failure;
    return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 ? failure : errno;
}

std::string with_port(const std::string& address, std::uint16_t port) {
    return port == wire::rpcbind_port ? address : address + " port " + std::to_string(port);
}

}  // namespace

Rpcbind::Rpcbind(UniqueFd socket, std::string doing, Deadline deadline)
    : socket_(std::move(socket)),
      doing_(std::move(doing)),
      deadline_(deadline),
      last_xid_(std::random_device()()) {}

Error Rpcbind::failed(Code code, const std::string& why, std::string hint) const {
    return {code, Stage::discovery, doing_ + ": " + why, std::move(hint)};
}

Result<Rpcbind> Rpcbind::connect(const std::string& address, std::uint16_t port, std::string doing,
                                 Deadline deadline) {
    doing += ": ask the rpcbind of " + with_port(address, port);
    const auto target = socket_address(address, port);
    if (!target) return Error(Code::invalid_request, Stage::discovery, doing + ": it is no numeric address");
    UniqueFd socket(::socket(target->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return Error(Code::limit, Stage::discovery, doing + ": " + reason());
    int failure = ::connect(socket.value(), target->ai_addr, target->ai_addrlen) == 0 ? 0 : errno;
    if (failure == EINPROGRESS || failure == EINTR) failure = finish_connecting(socket.value(), deadline);
    if (failure == ETIMEDOUT)
        return Error(Code::timed_out, Stage::discovery, doing + ": it could not be connected to in time",
                     "see whether that host is up and a firewall lets us reach port " + std::to_string(port));
    if (failure != 0)
        return Error(
            Code::unreachable, Stage::discovery, doing + ": " + std::generic_category().message(failure),
            "see whether rpcbind runs there and a firewall lets us reach port " + std::to_string(port));
    return Rpcbind(std::move(socket), std::move(doing), deadline);
}

Result<Rpcbind> Rpcbind::connect_local(const std::string& path, std::string doing, Deadline deadline) {
    auto socket = varlink::connect_unix(path, deadline);
    if (!socket)
        return Error(Code::unavailable, Stage::discovery, doing + ": " + socket.error().message,
                     "see whether rpcbind runs on this host: systemctl status rpcbind");
    return Rpcbind(std::move(*socket), std::move(doing), deadline);
}

Result<void> Rpcbind::wait(short events) const {
    const int failure = wait_for(socket_.value(), events, deadline_);
    if (failure == 0) return {};
    if (failure == ETIMEDOUT)
        return failed(Code::timed_out, "no answer in time", "see whether it still answers others");
    return failed(Code::limit, "wait for it: " + std::generic_category().message(failure));
}

Result<void> Rpcbind::send(Bytes octets) {
    while (!octets.empty()) {
        if (auto ready = wait(POLLOUT); !ready) return ready;
        const auto sent = ::send(socket_.value(), octets.data(), octets.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return failed(Code::discovery_failed, "it hung up: " + reason());
        if (sent > 0) octets = octets.subspan(static_cast<std::size_t>(sent));
    }
    return {};
}

Result<std::vector<std::byte>> Rpcbind::receive() {
    wire::RecordReader reader(wire::largest_rpcbind_reply);
    std::array<std::byte, 16384> buffer;
    for (;;) {
        if (auto ready = wait(POLLIN); !ready) return ready.error();
        const auto arrived = ::recv(socket_.value(), buffer.data(), buffer.size(), 0);
        if (arrived < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (arrived < 0) return failed(Code::discovery_failed, "it hung up: " + reason());
        if (arrived == 0) return failed(Code::discovery_failed, "it hung up without an answer");
        MutableBytes input(buffer.data(), static_cast<std::size_t>(arrived));
        const auto record = reader.next(input);
        if (!record) return failed(record.error().code, record.error().message);
        if (!*record) continue;
        if (!input.empty()) return failed(Code::protocol, "more than the answer arrived");
        return std::vector<std::byte>((*record)->begin(), (*record)->end());
    }
}

Result<Rpcbind::Answer> Rpcbind::read(std::vector<std::byte> record, std::uint32_t xid) const {
    const auto reply = wire::read_reply(record);
    if (!reply) return failed(reply.error());
    if (reply->xid != xid) return failed(Code::protocol, "it answered another call than ours");
    if (reply->kind == wire::Reply::Kind::auth_error)
        return failed(Code::discovery_failed, "it refuses to serve us: " + wire::to_text(reply->why),
                      "see whether it serves this host (hosts.allow, and its options)");
    if (reply->kind == wire::Reply::Kind::rpc_mismatch)
        return failed(Code::protocol, "it does not speak version 2 of ONC RPC");
    using wire::AcceptStatus;
    const bool is_unknown = reply->status == AcceptStatus::program_mismatch ||
                            reply->status == AcceptStatus::procedure_unavailable;
    if (is_unknown) return Answer();
    if (reply->status != AcceptStatus::success)
        return failed(Code::discovery_failed, "it answers " + wire::to_text(reply->status),
                      "see what listens on that port: it may be no rpcbind");
    return Answer{true, std::vector<std::byte>(reply->results.begin(), reply->results.end())};
}

Result<Rpcbind::Answer> Rpcbind::ask(std::uint32_t rpcbind, wire::RpcbindProcedure procedure,
                                     const wire::RpcbindEntry& about) {
    const std::uint32_t xid = ++last_xid_;
    const auto call = wire::rpcbind_call(xid, rpcbind, procedure, about);
    const auto mark = wire::mark_of(call.size());
    std::vector<std::byte> octets(mark.begin(), mark.end());
    octets.insert(octets.end(), call.begin(), call.end());
    if (auto sent = send(octets); !sent) return sent.error();
    auto record = receive();
    if (!record) return record.error();
    return read(std::move(*record), xid);
}

}  // namespace mutual::plugin
