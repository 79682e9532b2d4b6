// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/grant_client.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "daemon/channel/replies.h"
#include "daemon/channel/security_context.h"
#include "varlink/base64.h"
#include "varlink/deadline.h"

namespace mutual::channel {
namespace {

// mutuald-keys answers each step at once; one that does not is as good as gone.
constexpr auto longest_step = std::chrono::seconds(10);
// But where it may have to ask the KDC for another ticket.
constexpr auto longest_renewal = std::chrono::seconds(30);

Error broken_answer(const std::string& why) {
    return {Code::internal, Stage::handshake, "ask mutuald-keys for a step: " + why};
}

Step step_of(varlink::Reply& reply) {
    StepReply read = read_step_reply(reply);
    Step step;
    step.token = std::move(read.token);
    step.context = std::move(read.context);
    step.last = read.last;
    step.error = std::move(read.error);
    if (!read.done || step.error) return step;
    auto imported = import_context(std::move(read.memory), std::move(read.facts));
    if (imported)
        step.established = std::move(*imported);
    else
        step.error = imported.error();
    return step;
}

}  // namespace

GrantClient::GrantClient(EventLoop& loop, UniqueFd socket, Lost lost)
    : loop_(loop), connection_(loop.context(), std::move(socket)), told_(std::move(lost)) {}

void GrantClient::step(std::int64_t handshake, Bytes token, StepTerms terms, Stepped stepped) {
    Work work;
    const bool renews = terms.lifetime.count() > 0;
    work.patience = renews ? longest_renewal : longest_step;
    if (renews) work.call.parameters["minimumLifetimeSeconds"] = terms.lifetime.count();
    if (terms.is_further) work.call.parameters["further"] = true;
    work.handshake = handshake;
    work.call.method = "org.mutuald.Grant.Step";
    work.call.parameters["handshake"] = handshake;
    if (!token.empty()) work.call.parameters["token"] = varlink::to_base64(token);
    work.stepped = std::move(stepped);
    enqueue(std::move(work));
}

void GrantClient::drop(std::int64_t handshake) {
    std::erase_if(waiting_, [handshake](const Work& work) { return work.handshake == handshake; });
    if (under_way_ == handshake) dropped_ = true;
    if (lost_) return;
    Work work;
    work.handshake = handshake;
    work.call.method = "org.mutuald.Grant.Drop";
    work.call.parameters["handshake"] = handshake;
    work.call.oneway = true;
    enqueue(std::move(work));
}

void GrantClient::enqueue(Work work) {
    waiting_.push_back(std::move(work));
    if (std::exchange(performing_, true)) return;
    auto finished = [self = shared_from_this()](std::exception_ptr failure) {
        if (!failure) return;
        self->performing_ = false;
        self->lose(broken_answer("the connection failed"));
        self->fail_all(broken_answer("the connection failed"));
    };
    asio::co_spawn(loop_.context(), perform_all(shared_from_this()), std::move(finished));
}

asio::awaitable<void> GrantClient::perform_all(std::shared_ptr<GrantClient> self) {
    const Error late(Code::unavailable, Stage::handshake, "ask mutuald-keys for a step: it did not answer");
    const Error gone(Code::unavailable, Stage::handshake, "ask mutuald-keys for a step: the grant has ended",
                     "mutuald-keys was restarted, or the service is no longer offered");
    // A coroutine that is spawned on its own loop begins at once, and may end without ever having waited:
    // then whoever asked for the step would be told from within, and a Session be called while it still
    // works.
    co_await asio::post(self->loop_.context(), asio::use_awaitable);
    while (!self->waiting_.empty()) {
        Work work = std::move(self->waiting_.front());
        self->waiting_.pop_front();
        varlink::Call call = std::move(work.call);
        if (self->lost_) {
            self->finish(std::move(work), gone);
        } else if (call.oneway) {
            const Result<void> sent = co_await self->connection_.send_oneway(std::move(call));
            if (!sent) self->lose(sent.error());
        } else {
            self->under_way_ = work.handshake;
            self->dropped_ = false;
            const auto deadline = std::chrono::steady_clock::now() + work.patience;
            auto asking = self->connection_.call_raw(std::move(call));
            Result<varlink::Reply> reply =
                co_await varlink::with_deadline(self->loop_.context(), std::move(asking), deadline, late);
            self->under_way_ = 0;
            // One whole answer that cannot be read concerns its handshake only. After any other failure what
            // comes later cannot be told apart any more.
            if (!reply && reply.error().code != Code::protocol) self->lose(reply.error());
            if (!self->dropped_) self->finish(std::move(work), std::move(reply));
        }
    }
    self->performing_ = false;
}

void GrantClient::finish(Work work, Result<varlink::Reply> reply) {
    if (!work.stepped) return;
    Step step;
    if (!reply) {
        step.error = Error(reply.error().code, Stage::handshake, reply.error().message, reply.error().hint);
    } else {
        step = step_of(*reply);
    }
    // A channel may live for long; the grant, with the ticket in mutuald-keys, need not.
    if (step.last && !std::exchange(lost_, true)) connection_.close();
    work.stepped(std::move(step));
}

void GrantClient::lose(const Error& why) {
    if (std::exchange(lost_, true)) return;
    connection_.close();
    if (told_) told_(why);
}

void GrantClient::fail_all(const Error& error) {
    for (auto& work : std::exchange(waiting_, {})) finish(std::move(work), error);
}

}  // namespace mutual::channel
