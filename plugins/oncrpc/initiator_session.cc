// SPDX-License-Identifier: Apache-2.0
#include "plugins/oncrpc/initiator_session.h"

#include "plugins/oncrpc/records.h"
#include "plugins/oncrpc/session.h"
#include "wire/context_flags.h"

namespace mutual::oncrpc {

namespace {

using wire::AcceptStatus;
using wire::AuthFlavor;
using wire::GssProcedure;

constexpr ContextNumber the_context = 0;
constexpr std::string_view see_the_peer = "the peer's log says why";

// Why the peer did not do a call; it says so without any proof.
Error denial(Stage stage, const wire::Reply& reply) {
    const std::string doing = stage == Stage::handshake ? "make a context: " : "call: ";
    if (reply.kind == wire::Reply::Kind::auth_error)
        return {Code::refused_by_peer, stage, doing + "the peer answered " + to_text(reply.why),
                std::string(see_the_peer)};
    if (reply.kind == wire::Reply::Kind::rpc_mismatch)
        return {Code::refused_by_peer, stage, doing + "the peer speaks another version of RPC"};
    return {Code::refused_by_peer, stage, doing + "the peer answered " + to_text(reply.status),
            "see whether the program and version of the service are those that the peer serves"};
}

}  // namespace

InitiatorSession::InitiatorSession(const RpcOptions& options, SessionHost& host)
    : options_(options), host_(host), network_(options.max_record), program_(options.max_record) {}

void InitiatorSession::start() { host_.step(the_context, {}); }

// The context

void InitiatorSession::stepped(ContextNumber context, StepAnswer answer) {
    if (context != the_context) return;
    if (phase_ == Phase::refused)
        return fail(answer.error ? std::move(*answer.error)
                                 : Error(Code::refused_by_peer, Stage::handshake,
                                         "the peer refused the context", std::string(see_the_peer)));
    if (phase_ != Phase::stepping) return;
    if (answer.error) return fail(std::move(*answer.error));
    context_ = answer.established;
    if (!answer.token.empty()) return send_init(answer.token);
    if (context_ == nullptr || handle_.empty())
        return fail({Code::internal, Stage::handshake, "step gave neither a token nor a complete context"});
    established();
}

void InitiatorSession::send_init(Bytes token) {
    wire::XdrWriter out;
    wire::put_call(out, next_xid_++, options_.program, options_.version, 0);
    const auto procedure = handle_.empty() ? GssProcedure::init : GssProcedure::continue_init;
    wire::put_auth(out, AuthFlavor::gss, wire::to_xdr({procedure, 0, options_.service, handle_}));
    wire::put_auth(out, AuthFlavor::none, {});
    out.opaque(token);
    phase_ = Phase::initiating;
    if (auto sent = send_record(host_.network(), out.view()); !sent) fail(std::move(sent).error());
}

void InitiatorSession::init_reply(MutableBytes record) {
    auto reply = wire::read_reply(record);
    if (!reply) return fail(std::move(reply).error());
    if (reply->xid != next_xid_ - 1)
        return fail(broken(Stage::handshake, "the reply to INIT has the number of another call"));
    if (reply->kind != wire::Reply::Kind::accepted || reply->status != AcceptStatus::success)
        return fail(denial(Stage::handshake, *reply));
    auto result = wire::read_init_result(reply->results);
    if (!result) return fail(std::move(result).error());
    if (result->major >> 16U != 0) return init_failed(*result);
    if (result->handle.empty()) return fail(broken(Stage::handshake, "the peer named no context"));
    handle_.assign(result->handle.begin(), result->handle.end());
    window_ = result->window;
    const bool is_complete = (result->major & gss_continue_needed) == 0;
    if (is_complete) {
        if (reply->verifier.flavor != AuthFlavor::gss)
            return fail(broken(Stage::handshake, "the reply that completes the context has no verifier"));
        verifier_.assign(reply->verifier.body.begin(), reply->verifier.body.end());
    }
    if (result->token.empty()) {
        if (context_ != nullptr && is_complete) return established();
        return fail(broken(Stage::handshake, "the peer sent no token before the context was complete"));
    }
    phase_ = Phase::stepping;
    host_.step(the_context, result->token);
}

void InitiatorSession::init_failed(const wire::InitResult& result) {
    if (!result.token.empty()) {
        phase_ = Phase::refused;
        return host_.step(the_context, result.token);
    }
    if ((result.major & gss_routine_errors) == gss_unauthorized)
        return fail({Code::refused_by_peer, Stage::handshake, "the peer admits us not (GSS_S_UNAUTHORIZED)",
                     std::string(see_the_peer)});
    fail({Code::refused_by_peer, Stage::handshake,
          "the peer refused the context: GSS major status " + std::to_string(result.major) + ", minor " +
              std::to_string(result.minor),
          std::string(see_the_peer)});
}

// The reply's verifier is over the window, so that nobody else can have shortened that.
void InitiatorSession::established() {
    if (const auto missing = wire::missing_flags(context_->facts().flags, false); !missing.empty())
        return fail({Code::unprotected, Stage::handshake, "check the finished context: it lacks " + missing,
                     "wire rpcsec_gss needs mutual, confidentiality and integrity from both ends"});
    const auto window = wire::to_xdr(window_);
    if (auto verified = context_->verify(window, verifier_); !verified)
        return fail(broken(Stage::handshake,
                           "check the reply that completes the context: " + verified.error().message));
    verifier_.clear();
    phase_ = Phase::open;
    host_.established();
}

// From the network

void InitiatorSession::network_bytes(MutableBytes bytes) {
    while (!bytes.empty() && phase_ != Phase::over) {
        auto record = network_.next(bytes);
        if (!record) return fail(std::move(record).error());
        if (!*record) return;
        if (phase_ == Phase::initiating)
            init_reply(**record);
        else if (phase_ == Phase::open)
            reply(**record);
        else
            return fail(broken(Stage::handshake, "peer sent a message that nobody waits for"));
    }
}

void InitiatorSession::reply(MutableBytes record) {
    auto reply = wire::read_reply(record);
    if (!reply) return fail(std::move(reply).error());
    const auto found = pending_.find(reply->xid);
    if (found == pending_.end())
        return fail(broken(Stage::channel, "peer answered a call that is not under way"));
    const Pending pending = found->second;
    pending_.erase(found);
    // A denial bears no proof: whoever can write to the connection could deny what was done.
    if (reply->kind != wire::Reply::Kind::accepted) return fail(denial(Stage::channel, *reply));
    if (reply->verifier.flavor != AuthFlavor::gss)
        return fail(broken(Stage::channel, "a reply has no verifier"));
    const auto sequence = wire::to_xdr(pending.sequence);
    if (auto verified = context_->verify(sequence, reply->verifier.body); !verified)
        return fail(broken(Stage::channel, "check the verifier of a reply: " + verified.error().message));
    accepted(pending, *reply);
    destroy_if_done();
}

void InitiatorSession::accepted(const Pending& pending, const wire::Reply& reply) {
    if (pending.is_destroy) {
        host_.program_end(Verdict::authenticated);
        phase_ = Phase::over;
        return host_.end(Verdict::authenticated, std::nullopt);
    }
    wire::XdrWriter out;
    wire::put_accepted(out, pending.program_xid, {}, reply.status);
    if (reply.status == AcceptStatus::program_mismatch) {
        out.number(reply.low);
        out.number(reply.high);
    }
    if (reply.status == AcceptStatus::success) {
        auto results = wire::open_protected(*context_, options_.service, pending.sequence, reply.results);
        if (!results) return fail(std::move(results).error());
        out.raw(*results);
    }
    deliver(out.view());
}

void InitiatorSession::deliver(Bytes record) {
    if (auto sent = send_record(host_.program(), record); !sent) fail(std::move(sent).error());
}

void InitiatorSession::network_end() {
    if (phase_ == Phase::over) return;
    if (phase_ != Phase::open)
        return fail({Code::refused_by_peer, Stage::handshake,
                     "peer closed the connection before the context was complete",
                     std::string(see_the_peer)});
    if (!network_.is_at_boundary())
        return fail(broken(Stage::channel, "connection ended within a message: " + network_.progress()));
    phase_ = Phase::over;
    host_.program_end(Verdict::unauthenticated);
    host_.end(Verdict::unauthenticated, std::nullopt);
}

// From the program

void InitiatorSession::program_bytes(Bytes bytes) {
    if (phase_ != Phase::open || program_ended_) return;
    std::vector<std::byte> room(bytes.begin(), bytes.end());
    MutableBytes input(room);
    while (!input.empty() && phase_ == Phase::open) {
        auto record = program_.next(input);
        if (!record) return fail(std::move(record).error());
        if (*record) call(**record);
    }
}

void InitiatorSession::call(MutableBytes record) {
    auto call = wire::read_call(record);
    if (!call)
        return fail({Code::invalid_request, Stage::channel, "from the program: " + call.error().message});
    wire::XdrWriter out;
    if (call->rpc != wire::rpc_version) {
        wire::put_rpc_mismatch(out, call->xid);
        return deliver(out.view());
    }
    if (call->credential.flavor != AuthFlavor::none && call->credential.flavor != AuthFlavor::sys) {
        wire::put_auth_error(out, call->xid, wire::AuthStatus::rejected_credential);
        return deliver(out.view());
    }
    if (call->program != options_.program) return answer_here(*call, AcceptStatus::program_unavailable);
    if (call->version != options_.version) return answer_here(*call, AcceptStatus::program_mismatch);
    send_call(call->xid, *call, GssProcedure::data);
}

void InitiatorSession::answer_here(const wire::Call& call, AcceptStatus status) {
    wire::XdrWriter out;
    wire::put_accepted(out, call.xid, {}, status);
    if (status == AcceptStatus::program_mismatch) {
        out.number(options_.version);
        out.number(options_.version);
    }
    deliver(out.view());
}

void InitiatorSession::send_call(std::uint32_t program_xid, const wire::Call& call, GssProcedure procedure) {
    if (pending_.size() >= most_pending)
        return fail({Code::limit, Stage::channel, "the program has too many calls under way"});
    if (next_sequence_ >= wire::max_sequence)
        return fail({Code::limit, Stage::channel, "the context has been used for all calls that it allows"});
    const std::uint32_t xid = next_xid_++, sequence = next_sequence_++;
    wire::XdrWriter out;
    wire::put_call(out, xid, options_.program, options_.version, call.procedure);
    wire::put_auth(out, AuthFlavor::gss, wire::to_xdr({procedure, sequence, options_.service, handle_}));
    auto mic = context_->mic(out.view());
    if (!mic) return fail(std::move(mic).error());
    wire::put_auth(out, AuthFlavor::gss, *mic);
    auto sealed = wire::put_protected(out, *context_, options_.service, sequence, call.arguments);
    if (!sealed) return fail(std::move(sealed).error());
    pending_[xid] = {program_xid, sequence, procedure == GssProcedure::destroy};
    if (auto sent = send_record(host_.network(), out.view()); !sent) fail(std::move(sent).error());
}

void InitiatorSession::program_end() {
    if (phase_ != Phase::open || program_ended_) return;
    program_ended_ = true;
    destroy_if_done();
}

void InitiatorSession::destroy_if_done() {
    if (phase_ == Phase::open && program_ended_ && pending_.empty()) send_call(0, {}, GssProcedure::destroy);
}

void InitiatorSession::fail(Error error) {
    if (phase_ == Phase::over) return;
    phase_ = Phase::over;
    const auto verdict = error.code == Code::expired ? Verdict::expired : Verdict::reset;
    host_.end(verdict, std::move(error));
}

}  // namespace mutual::oncrpc
