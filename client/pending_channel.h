// SPDX-License-Identifier: Apache-2.0
// One call of Open or Accept for programs that wait for other things as well: a descriptor to poll, and a
// step that never blocks. A broker that goes away while an Accept waits is asked again when it is back.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "client/answer.h"
#include "varlink/client.h"

namespace mutual::client {

class PendingChannel {
public:
    // Both send the call. A failure means that no daemon serves the socket, or that we lack descriptors.
    static Result<PendingChannel> open(std::string path, const Request& request);
    // No timeout: waits for ever.
    static Result<PendingChannel> accept(std::string path, const std::string& service,
                                         std::optional<std::chrono::milliseconds> timeout);

    // Readable when advance() has something to do; the same one until the end.
    int fd() const { return epoll_.value(); }
    // No value: not yet. Once it has given an answer it is not asked again.
    std::optional<Answer<OpenChannel>> advance();
    // Blocks until there is an answer.
    Answer<OpenChannel> wait();

private:
    enum class Method { open, accept };
    using Clock = std::chrono::steady_clock;

    PendingChannel(std::string path, Method method, json::object parameters,
                   std::optional<std::chrono::milliseconds> timeout);
    static Result<PendingChannel> begin(PendingChannel call);
    Result<void> make_descriptors();

    // False: the broker's queue is full.
    Result<bool> connect();
    Result<void> send();
    std::optional<Answer<OpenChannel>> receive();
    // Tries again after a pause, unless the time is over by then: then the answer is a failure.
    std::optional<Answer<OpenChannel>> try_later();
    void calm_timer();  // so that the descriptor is not readable for it any more
    void wake_at(varlink::Deadline time);

    std::string path_;
    Method method_;
    json::object parameters_;
    std::optional<Clock::time_point> end_;  // of the caller's timeout
    varlink::Deadline deadline_;            // when we stop waiting
    std::chrono::milliseconds pause_{50};
    UniqueFd epoll_;
    UniqueFd timer_;
    std::optional<varlink::BlockingConnection> connection_;
};

}  // namespace mutual::client
