// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/admission.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "varlink/deadline.h"
#include "varlink/interfaces.h"

namespace mutual::channel {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds first_pause{20};
constexpr milliseconds longest_pause{500};
constexpr std::chrono::seconds longest_settling{10};

Error ended() { return {Code::cancelled, Stage::admission, "ask for admission: the handshake is over"}; }

varlink::Call admit_call(const AdmissionQuestion& question) {
    varlink::Call call;
    call.method = "org.mutuald.Admission.Admit";
    const auto left = std::chrono::duration_cast<milliseconds>(question.deadline - steady_clock::now());
    boost::json::object endpoint;
    endpoint["address"] = question.endpoint.address;
    endpoint["port"] = question.endpoint.port;
    call.parameters["version"] = varlink::internal_version;
    call.parameters["service"] = question.service;
    call.parameters["context"] = question.context;
    call.parameters["endpoint"] = std::move(endpoint);
    call.parameters["claim"] = question.claim;
    call.parameters["timeoutMilliseconds"] = std::max<std::int64_t>(1, left.count());
    return call;
}

}  // namespace

void Admission::ask(AdmissionQuestion question, Answered answered) {
    answered_ = std::move(answered);
    auto finished = [self = shared_from_this()](std::exception_ptr failure) {
        if (failure) self->answer(ended());
    };
    asio::co_spawn(loop_.context(), obtain(shared_from_this(), std::move(question)), std::move(finished));
}

asio::awaitable<void> Admission::obtain(std::shared_ptr<Admission> self, AdmissionQuestion question) {
    milliseconds pause = first_pause;
    co_await asio::post(self->loop_.context(), asio::use_awaitable);  // nobody is told from within ask()
    while (!self->cancelled_) {
        Result<BrokerConnections::Taken> taken = self->broker_->take();
        if (taken) {
            self->connection_ = std::move(taken->connection);
            varlink::Call call = admit_call(question);
            Result<varlink::Reply> reply = co_await self->connection_->call_raw(std::move(call));
            if (reply && self->cancelled_) co_return;
            if (reply) {
                self->answer(self->admitted_by(std::move(*reply), question.context));
                co_return;
            }
        }
        if (self->cancelled_) break;
        if (taken && !taken->is_fresh) continue;
        self->pause_.expires_after(pause);
        boost::system::error_code ignored;
        co_await self->pause_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        pause = std::min(2 * pause, longest_pause);
    }
}

// The connection serves another question when this one is settled: nothing must come on it any more. One
// whose reply cannot be read is closed, so that the broker knows.
Result<Admitted> Admission::admitted_by(varlink::Reply reply, const std::string& context) {
    const bool is_refusal = !reply.error.empty();
    Result<Admitted> admitted = read_admitted(std::move(reply));
    if (admitted && admitted->context != context)
        admitted = Error(Code::internal, Stage::admission,
                         "ask for admission: the broker answered for another handshake",
                         "this is a defect of mutuald; see its log");
    if (is_refusal || (admitted && !admitted->wants_to_know_end))
        broker_->give_back(std::move(connection_));
    else if (!admitted)
        connection_.reset();
    return admitted;
}

void Admission::answer(Result<Admitted> result) {
    if (cancelled_ || !answered_) return;
    if (result) channel_ = result->channel;
    const auto answered = std::move(answered_);
    answered_ = nullptr;
    answered(std::move(result));
}

void Admission::cancel() {
    cancelled_ = true;
    answered_ = nullptr;
    pause_.cancel();
    if (connection_) connection_->close();
}

void Admission::settle(bool established) {
    if (!connection_ || channel_.empty()) return;
    // A broker that is gone meanwhile reads the table of live channels when it is back.
    auto finished = [self = shared_from_this()](std::exception_ptr) { self->connection_.reset(); };
    asio::co_spawn(loop_.context(), tell(shared_from_this(), established), std::move(finished));
}

asio::awaitable<void> Admission::tell(std::shared_ptr<Admission> self, bool established) {
    const Error late(Code::timed_out, Stage::delivery,
                     "tell the broker how the handshake ended: it did not answer");
    varlink::Call call;
    call.method = "org.mutuald.Admission.Settle";
    call.parameters["channel"] = self->channel_;
    call.parameters["established"] = established;
    auto telling = self->connection_->call_raw(std::move(call));
    const auto deadline = steady_clock::now() + longest_settling;
    const Result<varlink::Reply> told =
        co_await varlink::with_deadline(self->loop_.context(), std::move(telling), deadline, late);
    if (told) self->broker_->give_back(std::move(self->connection_));
}

}  // namespace mutual::channel
