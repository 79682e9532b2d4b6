// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/connection_pool.h"

namespace mutual::broker {

ConnectionPool::ConnectionPool(asio::io_context& loop, std::string path, std::string program, Stage stage)
    : loop_(loop), path_(std::move(path)), program_(std::move(program)), stage_(stage) {}

Result<std::unique_ptr<varlink::Connection>> ConnectionPool::connect() {
    Result<UniqueFd> socket = varlink::connect_unix(path_, varlink::Deadline::min());
    if (!socket)
        // What keeps us from our own programs is no refusal of the caller's.
        return Error(socket.error().code == Code::denied ? Code::internal : socket.error().code, stage_,
                     "reach " + program_ + ": " + socket.error().message,
                     "see whether " + program_ + " runs: mutualctl status, systemctl status " + program_);
    return std::make_unique<varlink::Connection>(loop_, std::move(*socket));
}

Result<std::unique_ptr<varlink::Connection>> ConnectionPool::take() {
    while (!idle_.empty()) {
        std::unique_ptr<varlink::Connection> connection = std::move(idle_.back());
        idle_.pop_back();
        if (connection->is_quiet()) return connection;
    }
    return connect();
}

asio::awaitable<Result<varlink::Reply>> ConnectionPool::call_raw(varlink::Call call) {
    Result<std::unique_ptr<varlink::Connection>> connection = take();
    if (!connection) co_return connection.error();
    Result<varlink::Reply> reply = co_await (*connection)->call_raw(std::move(call));
    if (!reply) {
        Error error = reply.error();
        error.stage = stage_;
        error.message = program_ + ": " + error.message;
        if (error.hint.empty()) error.hint = "see the log of " + program_;
        co_return error;
    }
    if (idle_.size() < most_idle) idle_.push_back(std::move(*connection));
    co_return reply;
}

asio::awaitable<Result<varlink::Reply>> ConnectionPool::call(varlink::Call call) {
    Result<varlink::Reply> reply = co_await call_raw(std::move(call));
    if (reply && !reply->error.empty()) co_return varlink::error_of(*reply);
    co_return reply;
}

}  // namespace mutual::broker
