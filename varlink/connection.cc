// SPDX-License-Identifier: Apache-2.0
#include "varlink/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>

#include "varlink/deadline.h"
#include "varlink/readiness.h"

namespace mutual::varlink {

namespace {

Error lost(std::string what) { return {Code::unavailable, Stage::request, std::move(what)}; }

PeerCredentials credentials_of(int socket) {
    Result<PeerCredentials> credentials = peer_credentials(socket);
    return credentials ? std::move(*credentials) : PeerCredentials();
}

}  // namespace

Connection::Connection(asio::io_context& loop, UniqueFd socket, Limits limits,
                       std::chrono::milliseconds call_time)
    : loop_(loop),
      socket_(loop),
      peer_(credentials_of(socket.value())),
      limits_(limits),
      call_time_(call_time),
      splitter_(limits.message) {
    socket_.assign(socket.release());
}

asio::awaitable<Result<void>> Connection::send(std::string text, std::vector<UniqueFd> descriptors) {
    const std::vector<UniqueFd> none;
    const std::string_view bytes(text.c_str(), text.size() + 1);
    std::size_t done = 0;
    while (done < bytes.size()) {
        if (!socket_.is_open()) co_return lost("the connection was closed here");
        std::size_t sent = 0;
        const Transfer transfer =
            send_some(socket_.native_handle(), bytes.substr(done), done == 0 ? descriptors : none, sent);
        if (transfer == Transfer::done)
            done += sent;
        else if (transfer == Transfer::again)
            co_await socket_.async_wait(asio::posix::stream_descriptor::wait_write, asio::use_awaitable);
        else if (transfer == Transfer::closed)
            co_return lost("the other side closed the connection");
        else
            co_return lost(std::strerror(errno));
    }
    co_return Result<void>();
}

asio::awaitable<Result<void>> Connection::readable() {
    co_await socket_.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
    co_return Result<void>();
}

asio::awaitable<Result<bool>> Connection::receive_message(std::string& message, bool is_call) {
    auto message_ends = no_deadline;
    for (;;) {
        Result<bool> given = splitter_.next(message);
        if (!given || *given) co_return given;
        if (!socket_.is_open()) co_return lost("the connection was closed here");
        std::string bytes;
        const Transfer transfer =
            receive_some(socket_.native_handle(), bytes, descriptors_, limits_.descriptors);
        if (transfer == Transfer::done) {
            splitter_.feed(bytes);
        } else if (transfer == Transfer::again) {
            if (!is_call || !splitter_.has_leftovers()) {
                co_await socket_.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
                continue;
            }
            message_ends = std::min(message_ends, std::chrono::steady_clock::now() + call_time_);
            Error late(Code::timed_out, Stage::request,
                       "the message did not end within " + std::to_string(call_time_.count()) +
                           " ms of its beginning");
            Result<void> waited = co_await with_deadline(loop_, readable(), message_ends, std::move(late));
            if (!waited) co_return waited.error();
        } else if (transfer == Transfer::closed) {
            if (splitter_.has_leftovers())
                co_return lost("the other side closed the connection within a message");
            co_return false;
        } else if (errno == EMSGSIZE) {
            co_return Error(Code::limit, Stage::request, "more descriptors came than are allowed");
        } else {
            co_return lost(std::strerror(errno));
        }
    }
}

asio::awaitable<Result<Reply>> Connection::next() {
    std::string message;
    Result<bool> received = co_await receive_message(message, false);
    if (!received) co_return received.error();
    if (!*received) co_return lost("the other side closed the connection without an answer");
    // Also those of a message that is refused: they must not pass for the next one's.
    std::vector<UniqueFd> descriptors = std::exchange(descriptors_, {});
    Result<Reply> reply = parse_reply(message, limits_);
    if (reply) reply->descriptors = std::move(descriptors);
    co_return reply;
}

asio::awaitable<Result<Reply>> Connection::call_raw(Call call) {
    std::string text = to_text(call);
    Result<void> sent = co_await send(std::move(text), std::move(call.descriptors));
    if (!sent) co_return sent.error();
    co_return co_await next();
}

asio::awaitable<Result<Reply>> Connection::call(Call call) {
    Result<Reply> reply = co_await call_raw(std::move(call));
    if (reply && !reply->error.empty()) co_return error_of(*reply);
    co_return reply;
}

asio::awaitable<Result<void>> Connection::send_oneway(Call call) {
    call.oneway = true;
    std::string text = to_text(call);
    co_return co_await send(std::move(text), std::move(call.descriptors));
}

asio::awaitable<Result<std::optional<Call>>> Connection::receive() {
    std::string message;
    Result<bool> received = co_await receive_message(message, true);
    if (!received) co_return received.error();
    if (!*received) co_return std::optional<Call>();
    std::vector<UniqueFd> descriptors = std::exchange(descriptors_, {});
    Result<Call> call = parse_call(message, limits_);
    if (!call) co_return call.error();
    call->descriptors = std::move(descriptors);
    std::optional<Call> some(std::move(*call));
    co_return some;
}

asio::awaitable<Result<void>> Connection::reply(Reply reply) {
    std::string text = to_text(reply);
    co_return co_await send(std::move(text), std::move(reply.descriptors));
}

bool Connection::reply_at_once(const Reply& reply) {
    if (!socket_.is_open()) return false;
    const std::string text = to_text(reply);
    std::size_t sent = 0;
    const Transfer transfer = send_some(socket_.native_handle(), {text.c_str(), text.size() + 1}, {}, sent);
    if (transfer == Transfer::done && sent == text.size() + 1) return true;
    if (transfer != Transfer::again) close();
    return false;
}

asio::awaitable<void> Connection::hung_up() {
    const bool is_gone = co_await hung_up_unless_cancelled();
    if (!is_gone) throw boost::system::system_error(asio::error::operation_aborted);
}

asio::awaitable<bool> Connection::hung_up_unless_cancelled() {
    if (!socket_.is_open()) co_return true;
    const boost::system::error_code ended =
        co_await end_of_wait(socket_, asio::posix::stream_descriptor::wait_error);
    co_return ended != asio::error::operation_aborted || !socket_.is_open();
}

bool Connection::is_quiet() {
    return !splitter_.has_leftovers() &&
           !is_ready(socket_.native_handle(), asio::posix::stream_descriptor::wait_read);
}

bool Connection::has_leftovers() {
    char first = 0;
    return splitter_.has_leftovers() ||
           ::recv(socket_.native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

UniqueFd Connection::release() { return UniqueFd(socket_.release()); }

void Connection::close() {
    const LingerBound::Watch watch;
    boost::system::error_code ignored;
    socket_.close(ignored);
}

}  // namespace mutual::varlink
