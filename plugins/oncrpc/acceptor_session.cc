// SPDX-License-Identifier: Apache-2.0
#include "plugins/oncrpc/acceptor_session.h"

#include "plugins/oncrpc/records.h"
#include "plugins/oncrpc/session.h"
#include "plugins/oncrpc/sys_credential.h"

namespace mutual::oncrpc {

namespace {

using wire::AcceptStatus;
using wire::AuthFlavor;
using wire::AuthStatus;
using wire::GssProcedure;

}  // namespace

AcceptorSession::AcceptorSession(RpcOptions options, SessionHost& host)
    : options_(std::move(options)),
      host_(host),
      network_(options_.max_record + most_overhead),
      program_(options_.max_record),
      contexts_(options_, host) {}

std::size_t AcceptorSession::largest_output() const { return options_.max_record + 2 * most_overhead; }

// Calls

void AcceptorSession::network_bytes(MutableBytes bytes) {
    while (!bytes.empty() && !is_over_) {
        auto record = network_.next(bytes);
        if (!record) return fail(std::move(record).error());
        if (!*record) return;
        call(**record);
    }
}

void AcceptorSession::call(MutableBytes record) {
    auto call = wire::read_call(record);
    if (!call) return fail(std::move(call).error());
    if (call->rpc != wire::rpc_version) {
        wire::XdrWriter out;
        wire::put_rpc_mismatch(out, call->xid);
        return send(out.view());
    }
    // On every call, not on the first one only.
    if (call->credential.flavor != AuthFlavor::gss) return deny(call->xid, AuthStatus::too_weak);
    auto credential = wire::read_credential(call->credential.body);
    if (!credential) return deny(call->xid, AuthStatus::bad_credential);
    const bool is_control = credential->procedure != GssProcedure::data;
    if (is_control && call->procedure != 0) return deny(call->xid, AuthStatus::bad_credential);
    const bool makes =
        credential->procedure == GssProcedure::init || credential->procedure == GssProcedure::continue_init;
    if (!makes) return data(*call, *credential);
    if (auto done = contexts_.init(*call, *credential); !done) fail(std::move(done).error());
}

void AcceptorSession::data(const wire::Call& call, const wire::GssCredential& credential) {
    AcceptedContext* context = contexts_.find(credential.handle);
    if (context == nullptr || !context->is_ready) return deny(call.xid, AuthStatus::gss_credential_problem);
    if (credential.sequence >= wire::max_sequence) return deny(call.xid, AuthStatus::gss_context_problem);
    if (call.verifier.flavor != AuthFlavor::gss) return deny(call.xid, AuthStatus::gss_credential_problem);
    if (auto verified = context->security->verify(call.head, call.verifier.body); !verified)
        return deny(call.xid, AuthStatus::gss_credential_problem);
    // From here on the peer itself has sent it.
    if (!context->window.is_fresh(credential.sequence)) return;
    context->window.mark(credential.sequence);
    const Pending pending{AcceptedContexts::key_of(credential.handle), call.xid, credential.sequence,
                          credential.service};
    if (credential.procedure == GssProcedure::destroy) return destroy(pending);
    // What was begun in time is still answered: else the peer would have it done once more.
    if (context->security->is_expired()) return deny(call.xid, AuthStatus::gss_context_problem);
    if (credential.service < options_.service) return deny(call.xid, AuthStatus::too_weak);
    if (!context->service) context->service = credential.service;
    if (credential.service != *context->service) return deny(call.xid, AuthStatus::too_weak);
    if (call.program != options_.program) return answer(pending, AcceptStatus::program_unavailable);
    if (!options_.has_version(call.version)) return answer(pending, AcceptStatus::program_mismatch);
    auto arguments =
        wire::open_protected(*context->security, credential.service, credential.sequence, call.arguments);
    if (!arguments) return answer(pending, AcceptStatus::garbage_arguments);
    forward(pending, call, *arguments);
}

void AcceptorSession::forward(const Pending& pending, const wire::Call& call, Bytes arguments) {
    if (pending_.size() >= most_pending)
        return fail({Code::limit, Stage::channel,
                     "the peer has " + std::to_string(most_pending) + " calls under way, and makes another"});
    const std::uint32_t xid = next_xid_++;
    wire::XdrWriter out(arguments.size() + most_overhead / 8);
    wire::put_call(out, xid, call.program, call.version, call.procedure);
    wire::put_auth(out, credential_.empty() ? AuthFlavor::none : AuthFlavor::sys, credential_);
    wire::put_auth(out, AuthFlavor::none, {});
    out.raw(arguments);
    pending_[xid] = pending;
    host_.count_calls(1);
    if (auto sent = send_record(host_.program(), out.view()); !sent) fail(std::move(sent).error());
}

void AcceptorSession::destroy(const Pending& pending) {
    answer(pending, AcceptStatus::success);
    std::erase_if(pending_, [&](const auto& one) { return one.second.handle == pending.handle; });
    if (!is_over_) contexts_.destroy(pending.handle);
}

// Contexts

void AcceptorSession::stepped(ContextNumber number, StepAnswer answer) {
    if (!is_over_) follow(contexts_.stepped(number, std::move(answer)));
}

void AcceptorSession::admitted(ContextNumber number, AdmissionAnswer answer) {
    if (is_over_) return;
    const std::uint32_t stamp = answer.stamp;
    const LocalUser user = answer.acts_as.value_or(LocalUser());
    AcceptedContexts::Outcome outcome = contexts_.admitted(number, std::move(answer));
    if (outcome.is_ready && options_.tells_server)
        credential_ = sys_credential(stamp, contexts_.peer(), user);
    follow(std::move(outcome));
}

void AcceptorSession::follow(AcceptedContexts::Outcome outcome) {
    if (outcome.refused) {
        is_over_ = true;
        return host_.end(*outcome.refused, std::move(outcome.error));
    }
    if (outcome.is_ready && !std::exchange(is_established_, true)) host_.established();
}

// Replies

void AcceptorSession::program_bytes(Bytes bytes) {
    if (is_over_ || !is_established_) return;
    std::vector<std::byte> room(bytes.begin(), bytes.end());
    MutableBytes input(room);
    while (!input.empty() && !is_over_) {
        auto record = program_.next(input);
        if (!record) return fail(std::move(record).error());
        if (*record) reply(**record);
    }
}

void AcceptorSession::reply(MutableBytes record) {
    auto reply = wire::read_reply(record);
    if (!reply)
        return fail({Code::unavailable, Stage::channel, "from the server: " + reply.error().message,
                     "see the server's log"});
    const auto found = pending_.find(reply->xid);
    if (found == pending_.end()) return;  // of a context that the peer has destroyed meanwhile
    const Pending pending = found->second;
    pending_.erase(found);
    // It refuses what we say about ourselves, not the peer.
    if (reply->kind != wire::Reply::Kind::accepted) return answer(pending, AcceptStatus::system_error);
    answer(pending, *reply);
}

void AcceptorSession::answer(const Pending& pending, AcceptStatus status) {
    wire::Reply reply;
    reply.status = status;
    reply.low = options_.versions.front();
    reply.high = options_.versions.back();
    answer(pending, reply);
}

void AcceptorSession::answer(const Pending& pending, const wire::Reply& reply) {
    const AcceptedContext* context = contexts_.find(pending.handle);
    if (context == nullptr) return;  // its end has come, and another took its place
    SecurityContext& security = *context->security;
    auto mic = security.mic(wire::to_xdr(pending.sequence));
    if (!mic) return fail(std::move(mic).error());
    wire::XdrWriter out(reply.results.size() + most_overhead / 8);
    wire::put_accepted(out, pending.xid, {AuthFlavor::gss, *mic}, reply);
    if (reply.status == AcceptStatus::success) {
        auto sealed = wire::put_protected(out, security, pending.service, pending.sequence, reply.results);
        if (!sealed) return fail(std::move(sealed).error());
    }
    send(out.view());
}

void AcceptorSession::deny(std::uint32_t xid, AuthStatus why) {
    wire::XdrWriter out;
    wire::put_auth_error(out, xid, why);
    send(out.view());
}

void AcceptorSession::send(Bytes record) {
    if (auto sent = send_record(host_.network(), record); !sent) fail(std::move(sent).error());
}

// The end

void AcceptorSession::network_end() {
    if (is_over_) return;
    if (!is_established_)
        return fail(broken(Stage::handshake, "peer closed the connection before the context was complete"));
    if (!network_.is_at_boundary())
        return fail(broken(Stage::channel, "connection ended within a message: " + network_.progress()));
    is_over_ = true;
    const auto verdict = contexts_.any_ready() ? Verdict::unauthenticated : Verdict::authenticated;
    host_.program_end(verdict);
    host_.end(verdict, std::nullopt);
}

void AcceptorSession::program_end() {
    if (is_over_) return;
    is_over_ = true;
    host_.network_end();
    host_.end(contexts_.any_ready() ? Verdict::unauthenticated : Verdict::authenticated, std::nullopt);
}

void AcceptorSession::fail(Error error) {
    if (is_over_) return;
    is_over_ = true;
    const auto verdict = error.code == Code::expired ? Verdict::expired : Verdict::reset;
    host_.end(verdict, std::move(error));
}

}  // namespace mutual::oncrpc
