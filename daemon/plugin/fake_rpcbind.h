// SPDX-License-Identifier: Apache-2.0
// For tests: an rpcbind on a socket of its own that answers each call with the octets that a test says, right
// or wrong.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "varlink/unique_fd.h"
#include "wire/rpc_message.h"
#include "wire/rpcbind.h"

namespace mutual::plugin {

using Octets = std::vector<std::byte>;

class FakeRpcbind {
public:
    // The octets to send, with marks; none: it is silent, and the connection stays.
    using Answer = std::function<Octets(const wire::Call& call)>;

    // By TCP at that address of the loopback; port 0: a free one.
    explicit FakeRpcbind(Answer answer, const std::string& address = "127.0.0.1", std::uint16_t port = 0);
    // By a socket that listens already.
    FakeRpcbind(Answer answer, UniqueFd listener);
    ~FakeRpcbind();
    FakeRpcbind(const FakeRpcbind&) = delete;
    FakeRpcbind& operator=(const FakeRpcbind&) = delete;

    std::uint16_t port() const { return port_; }
    // "v4 9": of each call, the version of rpcbind and the number of the procedure.
    std::vector<std::string> calls() const;

private:
    void run();
    void serve(int socket);
    // False: there is nothing to read, and it is to end.
    bool readable(int socket) const;

    Answer answer_;
    UniqueFd listener_;
    std::uint16_t port_ = 0;
    UniqueFd end_;  // an eventfd
    mutable std::mutex mutex_;
    std::vector<std::string> calls_;
    std::thread thread_;
};

// Answers with their mark.
Octets success(const wire::Call& call, const std::function<void(wire::XdrWriter&)>& put_results);
Octets flag(const wire::Call& call, bool value);
Octets address(const wire::Call& call, const std::string& universal);
Octets list(const wire::Call& call, const std::vector<wire::RpcbindEntry>& entries);
Octets without_results(const wire::Call& call, wire::AcceptStatus status);
Octets marked(const wire::XdrWriter& message);

}  // namespace mutual::plugin
