// SPDX-License-Identifier: Apache-2.0
// Runs a call that may block for who knows how long, such as a question to the system about its users (NSS),
// in a thread beside the event loop. One whose time is over is left behind, with all that it owns: nobody
// waits for it, at the program's end neither. Until it is back there is no other, so that they do not pile
// up.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

#include "varlink/deadline.h"
#include "varlink/readiness.h"
#include "varlink/socket.h"

namespace mutual::varlink {

template <class T>
class Aside {
public:
    using Work = std::function<T()>;

    // `what` begins the errors: "read the configuration".
    Aside(asio::io_context& loop, std::string what) : loop_(loop), what_(std::move(what)) {}

    // What `work` returns; it owns all that it uses. timed_out: it is not back within `time`, or an earlier
    // one is not; limit: there is no memory, descriptor or thread for it; internal: it threw.
    asio::awaitable<Result<T>> run(Work work, std::chrono::milliseconds time) {
        if (last_ && !last_->is_over()) co_return late("an earlier attempt is not back yet");
        Result<std::pair<UniqueFd, UniqueFd>> ends = socket_pair();
        if (!ends) co_return ends.error();
        asio::posix::stream_descriptor ended(loop_);
        ended.assign(ends->first.release());
        auto call = std::make_shared<Call>(std::move(ends->second));
        if (Result<void> started = start(call, std::move(work)); !started) co_return started.error();
        last_ = call;
        const auto deadline = std::chrono::steady_clock::now() + time;
        Error too_late = late("not done within " + std::to_string(time.count()) + " ms");
        Result<void> waited =
            co_await with_deadline(loop_, until_closed(ended), deadline, std::move(too_late));
        if (!waited) co_return waited.error();
        std::optional<T> result = call->take();
        if (!result) co_return Error(call->code(), Stage::request, what_ + ": " + call->failure());
        co_return std::move(*result);
    }

private:
    // Shared with the thread, which closes `end` when it is over.
    class Call {
    public:
        explicit Call(UniqueFd end) : end_(std::move(end)) {}

        void run(const Work& work) noexcept {
            std::optional<T> result;
            try {
                result.emplace(work());
            } catch (const std::bad_alloc&) {
                fail(Code::limit, "no memory is left");
            } catch (const std::exception& defect) {
                fail(Code::internal, defect.what());
            } catch (...) {
                fail(Code::internal, "it threw what is no exception");
            }
            const std::lock_guard lock(mutex_);
            result_ = std::move(result);
            is_over_ = true;
            end_.reset();
        }
        bool is_over() {
            const std::lock_guard lock(mutex_);
            return is_over_;
        }
        // When it is over.
        std::optional<T> take() {
            const std::lock_guard lock(mutex_);
            return std::move(result_);
        }
        Code code() const { return code_; }
        const std::string& failure() const { return failure_; }

    private:
        void fail(Code code, const char* why) noexcept {
            code_ = code;
            try {
                failure_ = why;
            } catch (const std::bad_alloc&) {
                failure_.clear();
            }
        }

        std::mutex mutex_;
        bool is_over_ = false;
        std::optional<T> result_;
        Code code_ = Code::internal;
        std::string failure_;
        UniqueFd end_;
    };

    Result<void> start(std::shared_ptr<Call> call, Work work) const {
        try {
            std::thread([call = std::move(call), work = std::move(work)] { call->run(work); }).detach();
            return {};
        } catch (const std::system_error& failure) {
            return Error(Code::limit, Stage::request, what_ + ": no thread is left: " + failure.what());
        }
    }
    static asio::awaitable<Result<void>> until_closed(asio::posix::stream_descriptor& end) {
        co_await until_ready(end, asio::posix::stream_descriptor::wait_read);
        co_return Result<void>();
    }
    Error late(const std::string& why) const {
        return {Code::timed_out, Stage::request, what_ + ": " + why,
                "a name service (NSS) that is asked for users and groups may not answer: try getent passwd"};
    }

    asio::io_context& loop_;
    std::string what_;
    std::shared_ptr<Call> last_;
};

}  // namespace mutual::varlink
