// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/grant_client.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "daemon/channel/security_context.h"
#include "varlink/base64.h"
#include "varlink/deadline.h"
#include "varlink/parameters.h"

namespace mutual::channel {
namespace {

namespace json = boost::json;

// mutuald-keys answers each step at once; one that does not is as good as gone.
constexpr auto longest_step = std::chrono::seconds(10);
constexpr std::size_t longest_token = 128 * 1024;
constexpr std::size_t longest_text = (longest_token + 2) / 3 * 4;

Error broken_answer(const std::string& why) {
    return {Code::internal, Stage::handshake, "ask mutuald-keys for a step: " + why};
}

std::vector<std::byte> token_of(const std::optional<std::string>& text, std::optional<Error>& error) {
    if (!text) return {};
    auto token = varlink::bytes_from_base64(*text);
    if (token) return std::move(*token);
    error = broken_answer("its token is not base64");
    return {};
}

ContextFlags flags_of(const json::object& object) {
    varlink::Parameters read(object);
    ContextFlags flags;
    flags.mutual = read.flag("mutual");
    flags.confidentiality = read.flag("confidentiality");
    flags.integrity = read.flag("integrity");
    flags.replay = read.flag("replay");
    flags.sequence = read.flag("sequence");
    flags.delegation = read.flag("delegation");
    return flags;
}

// The part of an answer that is there when the handshake is complete.
void read_completion(varlink::Parameters& read, Step& step) {
    step.context = read.optional_text("context", 32).value_or("");
    UniqueFd memory = read.optional_descriptor("contextFileDescriptor");
    ContextFacts facts;
    facts.initiator = read.optional_text("initiator").value_or("");
    facts.acceptor = read.optional_text("acceptor").value_or("");
    facts.flags = flags_of(read.optional_object("flags").value_or(json::object()));
    facts.expires = std::chrono::system_clock::time_point(
        std::chrono::seconds(read.optional_number("expires").value_or(0)));
    if (step.context.empty() || facts.initiator.empty() || facts.acceptor.empty()) {
        step.error = broken_answer("a completed handshake lacks its context or its names");
        return;
    }
    auto imported = import_context(std::move(memory), std::move(facts));
    if (imported)
        step.established = std::move(*imported);
    else
        step.error = imported.error();
}

Step read_success(varlink::Reply& reply) {
    Step step;
    varlink::Parameters read(reply.parameters, &reply.descriptors, "Step");
    step.token = token_of(read.optional_text("token", longest_text), step.error);
    const bool done = read.flag("done");
    if (done && !step.error) read_completion(read, step);
    if (auto finished = read.finish_loosely(); !done && !step.error && !finished)
        step.error = finished.error();
    return step;
}

Step read_failure(const varlink::Reply& reply) {
    Step step;
    std::optional<Error> ignored;
    varlink::Parameters read(reply.parameters);
    step.token = token_of(read.optional_text("errorToken", longest_text), ignored);
    step.error = varlink::error_of(reply);
    return step;
}

}  // namespace

GrantClient::GrantClient(EventLoop& loop, UniqueFd socket, Lost lost)
    : loop_(loop), connection_(loop.context(), std::move(socket)), told_(std::move(lost)) {}

void GrantClient::step(std::int64_t handshake, Bytes token, Stepped stepped) {
    Work work;
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
            const auto deadline = std::chrono::steady_clock::now() + longest_step;
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
    } else if (!reply->error.empty()) {
        step = read_failure(*reply);
    } else {
        step = read_success(*reply);
    }
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
