// SPDX-License-Identifier: Apache-2.0
// with_deadline: runs a coroutine, cancels it when its time is over, and waits for it to end. What it runs
// must wait only for things that can be cancelled (sockets, timers): a foreign library that blocks belongs
// into a process.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>

#include "mutual/error.h"

namespace mutual::varlink {

namespace asio = boost::asio;

namespace detail {

// A coroutine that runs beside the one that waits for it, on the same thread.
template <class T>
struct Beside {
    explicit Beside(asio::io_context& loop) : event(loop) {}
    asio::steady_timer event;  // cancelled when `finished` becomes true
    asio::cancellation_signal cancellation;
    std::optional<T> result;
    std::exception_ptr failure;
    bool finished = false;
};

// It is finished as soon as it has its result and all that it held is gone: what Asio does at a coroutine's
// end takes another turn of the loop, and most work needs none at all.
template <class T>
asio::awaitable<void> keep_result(std::shared_ptr<Beside<T>> beside, asio::awaitable<T> work) {
    beside->result.emplace(co_await std::move(work));
    beside->finished = true;
    beside->event.cancel();
}

template <class T>
void start(asio::io_context& loop, const std::shared_ptr<Beside<T>>& beside, asio::awaitable<T> work) {
    auto finished = [beside](std::exception_ptr failure) {
        if (beside->finished) return;
        beside->failure = std::move(failure);
        beside->finished = true;
        beside->event.cancel();
    };
    asio::co_spawn(loop, keep_result(beside, std::move(work)),
                   asio::bind_cancellation_slot(beside->cancellation.slot(), std::move(finished)));
}

// Cancels what still runs and waits for its end. Where cancellation is disabled: a cancelled coroutine could
// not wait.
template <class T>
asio::awaitable<void> stop(std::shared_ptr<Beside<T>> beside) {
    if (!beside->finished) beside->cancellation.emit(asio::cancellation_type::terminal);
    while (!beside->finished) {
        boost::system::error_code ignored;
        beside->event.expires_at(std::chrono::steady_clock::time_point::max());
        co_await beside->event.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
}

}  // namespace detail

// The coroutine's own answer, or `late` when the deadline passed first. Cancelling the caller cancels it too.
template <class T>
asio::awaitable<Result<T>> with_deadline(asio::io_context& loop, asio::awaitable<Result<T>> work,
                                         std::chrono::steady_clock::time_point deadline, Error late) {
    auto beside = std::make_shared<detail::Beside<Result<T>>>(loop);
    beside->event.expires_at(deadline);
    detail::start(loop, beside, std::move(work));
    boost::system::error_code ended;
    if (!beside->finished)
        co_await beside->event.async_wait(asio::redirect_error(asio::use_awaitable, ended));
    if (!beside->finished) {
        const bool cancelled = ended == asio::error::operation_aborted;
        // Else a cancelled caller would leave at the next co_await, and the work would outlive what it refers
        // to.
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        co_await detail::stop(beside);
        co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
        if (cancelled) throw boost::system::system_error(asio::error::operation_aborted);
        if (!beside->result) co_return std::move(late);
    }
    if (beside->failure) std::rethrow_exception(beside->failure);
    co_return std::move(*beside->result);
}

}  // namespace mutual::varlink
