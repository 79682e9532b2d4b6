// SPDX-License-Identifier: Apache-2.0
// Connections to one other program of the daemon. Each pending call has a connection of its own: replies come
// in call order, so a call that waits would hold up others. A call that is cancelled closes its connection,
// which cancels the work at the other side; one that was answered gives it back for the next.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "varlink/connection.h"

namespace mutual::broker {

namespace asio = boost::asio;

class ConnectionPool {
public:
    // `stage` is where a failure to reach the program belongs; `program` names it to people.
    ConnectionPool(asio::io_context& loop, std::string path, std::string program, Stage stage);

    // A failure is either the program's own answer, or has a hint: `unavailable` where it is away, `limit`
    // where there is no descriptor or memory to reach it.
    asio::awaitable<Result<varlink::Reply>> call(varlink::Call call);
    // The same, with the program's error reply as it is.
    asio::awaitable<Result<varlink::Reply>> call_raw(varlink::Call call);
    // A connection for the caller alone, such as one that tells when the program dies.
    Result<std::unique_ptr<varlink::Connection>> connect();

    const std::string& program() const { return program_; }

private:
    Result<std::unique_ptr<varlink::Connection>> take();

    static constexpr std::size_t most_idle = 16;
    asio::io_context& loop_;
    std::string path_;
    std::string program_;
    Stage stage_;
    std::vector<std::unique_ptr<varlink::Connection>> idle_;
};

}  // namespace mutual::broker
