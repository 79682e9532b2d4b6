// SPDX-License-Identifier: Apache-2.0
#include "plugins/oncrpc/acceptor_session.h"

#include <sys/random.h>

#include <algorithm>
#include <cstdlib>

#include "plugins/oncrpc/records.h"
#include "plugins/oncrpc/session.h"
#include "wire/context_flags.h"

namespace mutual::oncrpc {

namespace {

using wire::AcceptStatus;
using wire::AuthFlavor;
using wire::AuthStatus;
using wire::GssProcedure;

template <std::size_t size>
std::array<std::byte, size> random_octets() {
    std::array<std::byte, size> octets{};
    if (::getrandom(octets.data(), size, 0) != static_cast<ssize_t>(size)) std::abort();
    return octets;
}

}  // namespace

AcceptorSession::AcceptorSession(const RpcOptions& options, SessionHost& host)
    : options_(options), host_(host), network_(options.max_record), program_(options.max_record) {}

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
    if (makes) return init(*call, *credential);
    data(*call, *credential);
}

AcceptorSession::Context* AcceptorSession::find(Bytes handle, Handle& key) {
    if (handle.size() != key.size()) return nullptr;
    std::copy(handle.begin(), handle.end(), key.begin());
    const auto found = contexts_.find(key);
    return found == contexts_.end() ? nullptr : &found->second;
}

void AcceptorSession::data(const wire::Call& call, const wire::GssCredential& credential) {
    Pending pending{{}, call.xid, credential.sequence, credential.service};
    Context* context = find(credential.handle, pending.handle);
    if (context == nullptr || !context->is_ready) return deny(call.xid, AuthStatus::gss_credential_problem);
    if (credential.sequence >= wire::max_sequence) return deny(call.xid, AuthStatus::gss_context_problem);
    if (call.verifier.flavor != AuthFlavor::gss || !context->security->verify(call.head, call.verifier.body))
        return deny(call.xid, AuthStatus::gss_credential_problem);
    // From here on the peer itself has sent it.
    if (!context->window.is_fresh(credential.sequence)) return;
    context->window.mark(credential.sequence);
    if (credential.procedure == GssProcedure::destroy) return destroy(pending.handle, pending);
    if (!context->service) context->service = credential.service;
    if (credential.service != *context->service || credential.service < options_.service)
        return deny(call.xid, AuthStatus::too_weak);
    if (call.program != options_.program) return answer(pending, AcceptStatus::program_unavailable);
    if (call.version != options_.version) return answer(pending, AcceptStatus::program_mismatch);
    auto arguments =
        wire::open_protected(*context->security, credential.service, credential.sequence, call.arguments);
    if (!arguments) return answer(pending, AcceptStatus::garbage_arguments);
    forward(pending, call, *arguments);
}

void AcceptorSession::forward(const Pending& pending, const wire::Call& call, Bytes arguments) {
    if (pending_.size() >= most_pending)
        return fail({Code::limit, Stage::channel, "the peer has too many calls under way"});
    const std::uint32_t xid = next_xid_++;
    wire::XdrWriter out;
    wire::put_call(out, xid, call.program, call.version, call.procedure);
    wire::put_auth(out, AuthFlavor::none, {});
    wire::put_auth(out, AuthFlavor::none, {});
    out.raw(arguments);
    pending_[xid] = pending;
    if (auto sent = send_record(host_.program(), out.view()); !sent) fail(std::move(sent).error());
}

void AcceptorSession::destroy(const Handle& handle, const Pending& pending) {
    answer(pending, AcceptStatus::success);
    std::erase_if(pending_, [&](const auto& one) { return one.second.handle == handle; });
    const ContextNumber number = contexts_.at(handle).number;
    contexts_.erase(handle);
    if (is_over_) return;
    host_.discard(number);
    if (!contexts_.empty()) return;
    was_destroyed_ = true;
    host_.program_end(Verdict::authenticated);
}

// Contexts

void AcceptorSession::init(const wire::Call& call, const wire::GssCredential& credential) {
    // Only one is made at a time: whoever keeps to the protocol waits for its reply.
    if ((making_ && making_->is_owed) || was_destroyed_) return deny(call.xid, AuthStatus::failed);
    const bool is_first = credential.procedure == GssProcedure::init;
    if (is_first == !credential.handle.empty()) return deny(call.xid, AuthStatus::bad_credential);
    auto token = wire::read_init_token(call.arguments);
    if (!token) return deny(call.xid, AuthStatus::bad_credential);
    if (is_first) {
        if (contexts_.size() >= max_contexts) return deny(call.xid, AuthStatus::failed);
        if (making_) forget_made();
        const ContextNumber number = free_number();
        making_ = Making{random_octets<16>(), 0, false, {}};
        contexts_[making_->handle].number = number;
    } else {
        Handle key{};
        if (find(credential.handle, key) == nullptr || !making_ || key != making_->handle)
            return deny(call.xid, AuthStatus::gss_credential_problem);
    }
    making_->xid = call.xid;
    making_->is_owed = true;
    host_.step(contexts_.at(making_->handle).number, *token);
}

ContextNumber AcceptorSession::free_number() const {
    ContextNumber number = 0;
    const auto has_it = [&](const auto& one) { return one.second.number == number; };
    while (std::ranges::any_of(contexts_, has_it)) ++number;
    return number;
}

void AcceptorSession::forget_made() {
    host_.discard(contexts_.at(making_->handle).number);
    contexts_.erase(making_->handle);
    making_.reset();
}

void AcceptorSession::stepped(ContextNumber number, StepAnswer answer) {
    if (is_over_ || !making_ || contexts_.at(making_->handle).number != number) return;
    if (answer.error) {
        answer_init(gss_failure, answer.token);
        if (is_over_) return;
        forget_made();
        if (is_established_) return;
        is_over_ = true;
        return host_.end(Verdict::unauthenticated, std::move(answer.error));
    }
    Context& context = contexts_.at(making_->handle);
    context.security = answer.established;
    if (context.security == nullptr) {
        making_->is_owed = false;
        return answer_init(gss_continue_needed, answer.token);
    }
    if (const auto missing = wire::missing_flags(context.security->facts().flags, false); !missing.empty())
        return fail({Code::unprotected, Stage::handshake, "check the finished context: it lacks " + missing,
                     "the client has to ask for it"});
    making_->token = std::move(answer.token);
    host_.admit(number, "program " + std::to_string(options_.program) + " version " +
                            std::to_string(options_.version));
}

void AcceptorSession::admitted(ContextNumber number, AdmissionAnswer answer) {
    if (is_over_ || !making_ || contexts_.at(making_->handle).number != number) return;
    if (!answer.admitted) {
        answer_init(gss_unauthorized, {});
        if (is_over_) return;
        is_over_ = true;
        return host_.end(Verdict::denied, std::move(answer.error));
    }
    contexts_.at(making_->handle).is_ready = true;
    answer_init(gss_complete, making_->token);
    making_.reset();
    if (is_over_ || std::exchange(is_established_, true)) return;
    host_.established();
}

void AcceptorSession::answer_init(std::uint32_t major, Bytes token) {
    const Context& context = contexts_.at(making_->handle);
    wire::InitResult result;
    result.major = major;
    std::vector<std::byte> room(token.begin(), token.end());
    result.token = room;
    wire::OpaqueAuth verifier;
    std::vector<std::byte> mic;
    if (major == gss_complete || major == gss_continue_needed) result.handle = making_->handle;
    if (major == gss_complete) {
        result.window = wire::SequenceWindow::size;
        auto made = context.security->mic(wire::to_xdr(result.window));
        if (!made) return fail(std::move(made).error());
        mic = std::move(*made);
        verifier = {AuthFlavor::gss, mic};
    }
    wire::XdrWriter out;
    wire::put_accepted(out, making_->xid, verifier, AcceptStatus::success);
    wire::put_init_result(out, result);
    send(out.view());
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
    reply.low = reply.high = options_.version;
    answer(pending, reply);
}

void AcceptorSession::answer(const Pending& pending, const wire::Reply& reply) {
    SecurityContext& security = *contexts_.at(pending.handle).security;
    auto mic = security.mic(wire::to_xdr(pending.sequence));
    if (!mic) return fail(std::move(mic).error());
    wire::XdrWriter out;
    wire::put_accepted(out, pending.xid, {AuthFlavor::gss, *mic}, reply.status);
    if (reply.status == AcceptStatus::program_mismatch) {
        out.number(reply.low);
        out.number(reply.high);
    }
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
    if (!was_destroyed_) host_.program_end(Verdict::unauthenticated);
    host_.end(was_destroyed_ ? Verdict::authenticated : Verdict::unauthenticated, std::nullopt);
}

void AcceptorSession::program_end() {
    if (is_over_) return;
    is_over_ = true;
    host_.network_end();
    host_.end(was_destroyed_ ? Verdict::authenticated : Verdict::unauthenticated, std::nullopt);
}

void AcceptorSession::fail(Error error) {
    if (is_over_) return;
    is_over_ = true;
    const auto verdict = error.code == Code::expired ? Verdict::expired : Verdict::reset;
    host_.end(verdict, std::move(error));
}

}  // namespace mutual::oncrpc
