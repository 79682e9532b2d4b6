// SPDX-License-Identifier: Apache-2.0
// A connection to one rpcbind, for a child: it blocks, until its deadline at the most. What it says is
// unauthenticated, and from anybody: nothing of it is kept that was not bounded and checked.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "mutual/discovery.h"
#include "varlink/unique_fd.h"
#include "wire/rpc_record.h"
#include "wire/rpcbind.h"

namespace mutual::plugin {

class Rpcbind {
public:
    // `doing` begins the errors: "look up RPC program 200500 version 2". To a numeric address by TCP. Errors:
    // unreachable, timed_out.
    static Result<Rpcbind> connect(const std::string& address, std::uint16_t port, std::string doing,
                                   Deadline deadline);
    // To this host's, which then knows our uid.
    static Result<Rpcbind> connect_local(const std::string& path, std::string doing, Deadline deadline);

    struct Answer {
        bool is_known = false;  // false: it has no such version of rpcbind, or no such procedure in it
        std::vector<std::byte> results;
    };
    // Errors: timed_out, protocol, limit, and discovery_failed where it refuses. The connection is then of no
    // more use.
    Result<Answer> ask(std::uint32_t rpcbind, wire::RpcbindProcedure procedure,
                       const wire::RpcbindEntry& about);

    // The same with what was done, and whom it was asked of, in front.
    Error failed(Code code, const std::string& why, std::string hint = {}) const;
    Error failed(const Error& error) const { return failed(error.code, error.message, error.hint); }

private:
    Rpcbind(UniqueFd socket, std::string doing, Deadline deadline);

    Result<void> send(Bytes octets);
    Result<std::vector<std::byte>> receive();
    Result<Answer> read(std::vector<std::byte> record, std::uint32_t xid) const;
    Result<void> wait(short events) const;

    UniqueFd socket_;
    std::string doing_;
    Deadline deadline_;
    std::uint32_t last_xid_;
};

}  // namespace mutual::plugin
