// SPDX-License-Identifier: Apache-2.0
// One Varlink connection on an event loop, as coroutines. Used by the four programs for both sides of the
// protocol. Everything runs on the loop's one thread; one receive() and one send() may be pending at a time.
// Destroying the connection, or cancelling the coroutine, ends what is pending.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "varlink/message.h"
#include "varlink/socket.h"

namespace mutual::varlink {

namespace asio = boost::asio;

class Connection {
public:
    // Of a call, from its beginning: whoever holds a part of one back occupies memory and a place.
    static constexpr std::chrono::milliseconds longest_call{10'000};

    // Takes a connected, non-blocking Unix stream socket.
    Connection(asio::io_context& loop, UniqueFd socket, Limits limits = internal_limits,
               std::chrono::milliseconds call_time = longest_call);
    ~Connection() { close(); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // Sends a call and waits for its one reply. A reply that is an error is a failure of the Result (see
    // error_of).
    asio::awaitable<Result<Reply>> call(Call call);
    // The same, giving an error reply as it is.
    asio::awaitable<Result<Reply>> call_raw(Call call);
    // After call_raw with `more`: the next reply.
    asio::awaitable<Result<Reply>> next();
    asio::awaitable<Result<void>> send_oneway(Call call);

    // The serving side. No value: the peer closed the connection. timed_out: it began a message and did not
    // end it.
    asio::awaitable<Result<std::optional<Call>>> receive();
    asio::awaitable<Result<void>> reply(Reply reply);
    // Sends one, without descriptors, if the socket takes it whole at once. False: it was not sent; of which
    // a part went out, that closed the connection. Not while a reply() is pending.
    bool reply_at_once(const Reply& reply);

    // Returns when the peer has closed both directions, or close() was called here.
    asio::awaitable<void> hung_up();
    // The same, but cancelled it returns false instead of throwing: most calls end that way, and an exception
    // costs more than all else of the wait.
    asio::awaitable<bool> hung_up_unless_cancelled();

    const PeerCredentials& peer() const { return peer_; }  // of who connected, or made the pair
    asio::io_context& loop() { return loop_; }
    int socket() { return socket_.native_handle(); }
    // Neither closed by the peer nor with anything to read: fit for another call.
    bool is_quiet();
    // True if the peer sent more than what receive() gave out: an upgrade is then an error.
    bool has_leftovers();
    // Gives the descriptor away; nothing may be pending.
    UniqueFd release();
    void close();

private:
    asio::awaitable<Result<void>> send(std::string text, std::vector<UniqueFd> descriptors);
    asio::awaitable<Result<bool>> receive_message(std::string& message, bool is_call);
    asio::awaitable<Result<void>> readable();

    asio::io_context& loop_;
    asio::posix::stream_descriptor socket_;
    PeerCredentials peer_;
    Limits limits_;
    std::chrono::milliseconds call_time_;
    MessageSplitter splitter_;
    std::vector<UniqueFd> descriptors_;
};

}  // namespace mutual::varlink
