// SPDX-License-Identifier: Apache-2.0
// A blocking client with deadlines, and the other side of it for a child process that serves one call at a
// time. Used by mutualctl, libmutual, and the children that may block. Programs with an event loop use
// connection.h.
#pragma once

#include <optional>
#include <string>

#include "varlink/message.h"
#include "varlink/socket.h"

namespace mutual::varlink {

class BlockingConnection {
public:
    explicit BlockingConnection(UniqueFd socket, Limits limits = internal_limits);

    // Sends the call and waits for its reply. A reply that is an error is a failure of the Result (see
    // error_of), unless `raw` asks for it as it is. After a time-out the connection can only be closed.
    Result<Reply> call(Call call, Deadline deadline = no_deadline);
    Result<Reply> call_raw(Call call, Deadline deadline = no_deadline);
    // Sends a call without waiting for its reply, which is got by next().
    Result<void> start(Call call, Deadline deadline = no_deadline);
    // The next reply to a call that was started, or made with `more`. After a time-out here it may be asked
    // for again.
    Result<Reply> next(Deadline deadline = no_deadline);

    // The serving side. No value: the peer closed the connection.
    Result<std::optional<Call>> receive(Deadline deadline = no_deadline);
    Result<void> reply(Reply reply, Deadline deadline = no_deadline);

    int socket() const { return socket_.value(); }
    UniqueFd release() { return std::move(socket_); }

private:
    Result<void> send(const std::string& text, const std::vector<UniqueFd>& descriptors, Deadline deadline);
    // False: the peer closed the connection.
    Result<bool> receive_message(std::string& message, Deadline deadline);

    UniqueFd socket_;
    Limits limits_;
    MessageSplitter splitter_;
    std::vector<UniqueFd> descriptors_;
};

}  // namespace mutual::varlink
