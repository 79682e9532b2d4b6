// SPDX-License-Identifier: Apache-2.0
#include "varlink/client.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mutual::varlink {

namespace {

Error lost(const char* what) { return {Code::unavailable, Stage::request, what}; }

// Waits until the socket is ready or the deadline passes.
Result<void> wait(int socket, short events, Deadline deadline) {
    for (;;) {
        int milliseconds = -1;
        if (deadline != no_deadline) {
            const auto left = deadline - std::chrono::steady_clock::now();
            const auto count = std::chrono::ceil<std::chrono::milliseconds>(left).count();
            milliseconds = static_cast<int>(std::clamp<long>(count, 0, 3'600'000));
        }
        pollfd entry{socket, events, 0};
        const int ready = ::poll(&entry, 1, milliseconds);
        if (ready > 0) return {};
        if (ready == 0 && std::chrono::steady_clock::now() >= deadline)
            return Error(Code::timed_out, Stage::request, "no answer within the time");
        if (ready < 0 && errno != EINTR)
            return Error(Code::internal, Stage::request, std::string("poll: ") + std::strerror(errno));
    }
}

}  // namespace

BlockingConnection::BlockingConnection(UniqueFd socket, Limits limits)
    : socket_(std::move(socket)), limits_(limits), splitter_(limits.message) {}

Result<void> BlockingConnection::send(const std::string& text, const std::vector<UniqueFd>& descriptors,
                                      Deadline deadline) {
    static const std::vector<UniqueFd> none;
    const std::string_view bytes(text.c_str(), text.size() + 1);
    std::size_t done = 0;
    while (done < bytes.size()) {
        std::size_t sent = 0;
        switch (send_some(socket_.value(), bytes.substr(done), done == 0 ? descriptors : none, sent)) {
            case Transfer::done:
                done += sent;
                break;
            case Transfer::again: {
                Result<void> ready = wait(socket_.value(), POLLOUT, deadline);
                if (!ready) return ready;
                break;
            }
            case Transfer::closed:
                return lost("the other side closed the connection");
            case Transfer::failed:
                return lost(std::strerror(errno));
        }
    }
    return {};
}

Result<bool> BlockingConnection::receive_message(std::string& message, Deadline deadline) {
    for (;;) {
        Result<bool> given = splitter_.next(message);
        if (!given || *given) return given;
        std::string bytes;
        switch (receive_some(socket_.value(), bytes, descriptors_, limits_.descriptors)) {
            case Transfer::done:
                splitter_.feed(bytes);
                break;
            case Transfer::again: {
                Result<void> ready = wait(socket_.value(), POLLIN, deadline);
                if (!ready) return ready.error();
                break;
            }
            case Transfer::closed:
                if (splitter_.has_leftovers())
                    return lost("the other side closed the connection within a message");
                return false;
            case Transfer::failed:
                return lost(std::strerror(errno));
        }
    }
}

Result<Reply> BlockingConnection::next(Deadline deadline) {
    std::string message;
    Result<bool> received = receive_message(message, deadline);
    if (!received) return received.error();
    if (!*received) return lost("the other side closed the connection without an answer");
    // Also those of a message that is refused: they must not pass for the next one's.
    std::vector<UniqueFd> descriptors = std::exchange(descriptors_, {});
    Result<Reply> reply = parse_reply(message, limits_);
    if (reply) reply->descriptors = std::move(descriptors);
    return reply;
}

Result<void> BlockingConnection::start(Call call, Deadline deadline) {
    return send(to_text(call), call.descriptors, deadline);
}

Result<Reply> BlockingConnection::call_raw(Call call, Deadline deadline) {
    const bool is_oneway = call.oneway;
    Result<void> sent = start(std::move(call), deadline);
    if (!sent) return sent.error();
    if (is_oneway) return Reply{};
    return next(deadline);
}

Result<Reply> BlockingConnection::call(Call call, Deadline deadline) {
    Result<Reply> reply = call_raw(std::move(call), deadline);
    if (reply && !reply->error.empty()) return error_of(*reply);
    return reply;
}

Result<std::optional<Call>> BlockingConnection::receive(Deadline deadline) {
    std::string message;
    Result<bool> received = receive_message(message, deadline);
    if (!received) return received.error();
    if (!*received) return std::optional<Call>();
    std::vector<UniqueFd> descriptors = std::exchange(descriptors_, {});
    Result<Call> call = parse_call(message, limits_);
    if (!call) return call.error();
    call->descriptors = std::move(descriptors);
    return std::optional<Call>(std::move(*call));
}

Result<void> BlockingConnection::reply(Reply reply, Deadline deadline) {
    return send(to_text(reply), reply.descriptors, deadline);
}

}  // namespace mutual::varlink
