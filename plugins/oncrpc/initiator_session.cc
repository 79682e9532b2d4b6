// SPDX-License-Identifier: Apache-2.0
#include "plugins/oncrpc/initiator_session.h"

#include <algorithm>

#include "plugins/oncrpc/records.h"
#include "plugins/oncrpc/session.h"

namespace mutual::oncrpc {

namespace {

using wire::AcceptStatus;
using wire::AuthFlavor;
using wire::AuthStatus;
using wire::GssProcedure;

// Calls of which more than that is under way are not kept to be made again.
constexpr std::size_t most_kept = 4UL << 20;
// Room for a call that is made while the next context is in the making.
constexpr std::uint32_t last_sequences = 1U << 20;
constexpr std::chrono::seconds first_pause{2};
constexpr std::chrono::seconds longest_pause{300};
constexpr std::chrono::seconds longest_end{2};
// A call that was answered between them ends the row.
constexpr std::uint32_t most_losses = 8;
// What a small call becomes under protection.
constexpr std::size_t protected_call = 512;

}  // namespace

InitiatorSession::InitiatorSession(RpcOptions options, SessionHost& host)
    : options_(std::move(options)),
      host_(host),
      network_(options_.max_record + most_overhead),
      program_(options_.max_record) {}

// All that was kept may go out again at one time.
std::size_t InitiatorSession::largest_output() const {
    return options_.max_record + 2 * most_overhead + most_kept + most_pending * protected_call;
}

// Contexts

void InitiatorSession::make_context(bool renews) {
    ContextNumber number = 0;
    while (contexts_.contains(number)) ++number;
    if (number >= max_contexts)
        return fail({Code::limit, Stage::channel, "too many contexts of the channel have calls under way"});
    making_.emplace(number, options_, host_);
    making_->start(renews);
}

void InitiatorSession::stepped(ContextNumber context, StepAnswer answer) {
    if (phase_ == Phase::over || !making_ || making_->number() != context) return;
    MakingContext::Outcome outcome = making_->stepped(std::move(answer), next_xid_);
    if (making_->awaited() == next_xid_) ++next_xid_;
    made(std::move(outcome));
}

void InitiatorSession::made(MakingContext::Outcome outcome) {
    if (!outcome) return not_made(std::move(outcome).error());
    if (!*outcome) return;
    making_.reset();
    if (current_ != nullptr) retire(*current_);
    const ContextNumber number = (*outcome)->number;
    current_ = &(contexts_[number] = std::move(**outcome));
    pause_ = std::chrono::seconds(0);
    not_before_ = host_.now() + first_pause;
    if (phase_ == Phase::handshake) {
        phase_ = Phase::open;
        host_.established();
    }
    schedule();
    call_those_waiting();
    end_if_done();
}

void InitiatorSession::not_made(Error error) {
    if (current_ == nullptr) return fail(std::move(error));
    host_.discard(making_->number());
    making_.reset();
    pause_ = std::clamp(2 * pause_, first_pause, longest_pause);
    not_before_ = host_.now() + pause_;
    schedule();
    end_if_done();
}

void InitiatorSession::schedule() {
    const Instant when = end_by_ ? *end_by_ : std::max(host_.renew_at(), not_before_);
    if (when != Instant::max()) host_.wake_at(when);
}

void InitiatorSession::wake() {
    if (phase_ != Phase::open) return;
    if (end_by_ && host_.now() >= *end_by_) return end_unproven();
    if (making_ || current_ == nullptr) return;
    if (!end_by_ && host_.now() >= std::max(host_.renew_at(), not_before_)) return make_context(true);
    schedule();
}

// Nothing is begun under it any more.
void InitiatorSession::retire(InitiatorContext& context) {
    if (current_ == &context) current_ = nullptr;
    if (context.in_flight > 0) return;
    if (!context.is_lost) return send_destroy(context);
    host_.discard(context.number);
    contexts_.erase(context.number);
}

void InitiatorSession::send_destroy(InitiatorContext& context) {
    Pending pending;
    pending.is_destroy = true;
    send_call(context, {}, std::move(pending));
}

// The peer does not know the context of that call any more.
void InitiatorSession::lose(const Pending& pending) {
    InitiatorContext& context = contexts_.at(pending.context);
    context.is_lost = true;
    const bool was_current = current_ == &context;
    if (was_current || context.in_flight == 0) retire(context);
    if (!was_current) return;
    if (++losses_ > most_losses)
        return fail({Code::refused_by_peer, Stage::channel,
                     "the peer forgets each context as soon as it is made", "the peer's log says why"});
    if (!making_) make_context(false);
}

// Calls

void InitiatorSession::program_bytes(Bytes bytes) {
    if (phase_ != Phase::open || program_ended_) return;
    Octets room(bytes.begin(), bytes.end());
    MutableBytes input(room);
    while (!input.empty() && phase_ == Phase::open) {
        auto record = program_.next(input);
        if (!record) return fail(std::move(record).error());
        if (!*record) return;
        if (may_call() && waiting_.empty())
            call(**record, false);
        else
            wait({Octets((*record)->begin(), (*record)->end())});
    }
}

// Those that are made again come first.
void InitiatorSession::wait(Waiting call) {
    const auto is_first_try = [](const Waiting& one) { return !one.is_repeat; };
    const auto place = call.is_repeat ? std::ranges::find_if(waiting_, is_first_try) : waiting_.end();
    waiting_.insert(place, std::move(call));
    if (!is_held_) host_.hold_program(is_held_ = true);
}

void InitiatorSession::call(MutableBytes record, bool is_repeat) {
    auto call = wire::read_call(record);
    if (!call)
        return fail({Code::invalid_request, Stage::channel, "from the program: " + call.error().message});
    if (call->rpc != wire::rpc_version) {
        wire::XdrWriter out;
        wire::put_rpc_mismatch(out, call->xid);
        return deliver(out.view());
    }
    if (call->credential.flavor != AuthFlavor::none && call->credential.flavor != AuthFlavor::sys)
        return refuse_here(call->xid, AuthStatus::rejected_credential);
    if (call->program != options_.program) return answer_here(*call, AcceptStatus::program_unavailable);
    if (!options_.has_version(call->version)) return answer_here(*call, AcceptStatus::program_mismatch);
    Pending pending;
    pending.program_xid = call->xid;
    pending.is_repeat = is_repeat;
    if (!is_repeat && kept_ + record.size() <= most_kept) pending.record.assign(record.begin(), record.end());
    if (!is_repeat) host_.count_calls(1);
    InitiatorContext& context = *current_;
    send_call(context, *call, std::move(pending));
    const bool runs_out = context.next_sequence >= wire::max_sequence - last_sequences;
    const bool may_make = phase_ == Phase::open && !making_ && host_.now() >= not_before_;
    if (runs_out && may_make) make_context(false);
}

void InitiatorSession::refuse_here(std::uint32_t xid, AuthStatus why) {
    wire::XdrWriter out;
    wire::put_auth_error(out, xid, why);
    deliver(out.view());
}

void InitiatorSession::answer_here(const wire::Call& call, AcceptStatus status) {
    wire::Reply reply;
    reply.status = status;
    reply.low = options_.versions.front();
    reply.high = options_.versions.back();
    wire::XdrWriter out;
    wire::put_accepted(out, call.xid, {}, reply);
    deliver(out.view());
}

// A peer keeps track of so many calls (RFC 2203 5.2.1).
bool InitiatorSession::may_call() const {
    return current_ != nullptr && current_->in_flight < current_->window &&
           current_->next_sequence < wire::max_sequence;
}

void InitiatorSession::call_those_waiting() {
    while (phase_ == Phase::open && !waiting_.empty() && may_call()) {
        Waiting next = std::move(waiting_.front());
        waiting_.pop_front();
        call(next.record, next.is_repeat);
    }
    if (phase_ == Phase::open && is_held_ && waiting_.empty()) host_.hold_program(is_held_ = false);
}

void InitiatorSession::send_call(InitiatorContext& context, const wire::Call& call, Pending pending) {
    const std::uint32_t xid = next_xid_++;
    pending.sequence = context.next_sequence++;
    pending.context = context.number;
    if (auto put = put_call(context, call, pending, xid); !put) return fail(std::move(put).error());
    kept_ += pending.record.size();
    if (pending.is_destroy) ++destroys_;
    ++context.in_flight;
    pending_.emplace(xid, std::move(pending));
}

Result<void> InitiatorSession::put_call(const InitiatorContext& context, const wire::Call& call,
                                        const Pending& pending, std::uint32_t xid) {
    const auto procedure = pending.is_destroy ? GssProcedure::destroy : GssProcedure::data;
    const std::uint32_t sequence = pending.sequence;
    wire::XdrWriter out(call.arguments.size() + most_overhead / 8);
    wire::put_call(out, xid, options_.program, options_.versions.front(), call.procedure);
    wire::put_auth(out, AuthFlavor::gss,
                   wire::to_xdr({procedure, sequence, options_.service, context.handle}));
    auto mic = context.security->mic(out.view());
    if (!mic) return std::move(mic).error();
    wire::put_auth(out, AuthFlavor::gss, *mic);
    auto sealed = wire::put_protected(out, *context.security, options_.service, sequence, call.arguments);
    if (!sealed) return std::move(sealed).error();
    return send_record(host_.network(), out.view());
}

void InitiatorSession::program_end() {
    if (phase_ != Phase::open || program_ended_) return;
    program_ended_ = true;
    end_if_done();
}

// Replies

void InitiatorSession::network_bytes(MutableBytes bytes) {
    while (!bytes.empty() && phase_ != Phase::over) {
        auto record = network_.next(bytes);
        if (!record) return fail(std::move(record).error());
        if (*record) reply(**record);
    }
}

void InitiatorSession::reply(MutableBytes record) {
    auto reply = wire::read_reply(record);
    const Stage stage = phase_ == Phase::handshake ? Stage::handshake : Stage::channel;
    if (!reply) return fail({reply.error().code, stage, reply.error().message, reply.error().hint});
    if (making_ && making_->awaited() != 0 && reply->xid == making_->awaited())
        return made(making_->replied(*reply));
    const auto found = pending_.find(reply->xid);
    if (found == pending_.end())
        return fail(broken(stage, phase_ == Phase::handshake
                                      ? "the reply to INIT has the number of another call"
                                      : "peer answered a call that is not under way"));
    Pending pending = std::move(found->second);
    pending_.erase(found);
    kept_ -= pending.record.size();
    if (pending.is_destroy) --destroys_;
    InitiatorContext& context = contexts_.at(pending.context);
    --context.in_flight;
    if (reply->kind != wire::Reply::Kind::accepted) {
        denied(std::move(pending), *reply);
    } else {
        if (reply->verifier.flavor != AuthFlavor::gss)
            return fail(broken(Stage::channel, "a reply has no verifier"));
        const auto sequence = wire::to_xdr(pending.sequence);
        if (auto verified = context.security->verify(sequence, reply->verifier.body); !verified)
            return fail(broken(Stage::channel, "check the verifier of a reply: " + verified.error().message));
        accepted(pending, *reply);
    }
    if (phase_ == Phase::over) return;
    call_those_waiting();
    end_if_done();
}

void InitiatorSession::accepted(const Pending& pending, const wire::Reply& reply) {
    InitiatorContext& context = contexts_.at(pending.context);
    if (pending.is_destroy) {
        const bool was_last = program_ended_ && current_ == &context;
        if (was_last) current_ = nullptr;
        host_.discard(context.number);
        contexts_.erase(context.number);
        if (!was_last) return;
        host_.program_end(Verdict::authenticated);
        phase_ = Phase::over;
        return host_.end(Verdict::authenticated, std::nullopt);
    }
    wire::XdrWriter out(reply.results.size() + most_overhead / 8);
    wire::put_accepted(out, pending.program_xid, {}, reply);
    if (reply.status == AcceptStatus::success) {
        auto results =
            wire::open_protected(*context.security, options_.service, pending.sequence, reply.results);
        if (!results) return fail(std::move(results).error());
        out.raw(*results);
    }
    deliver(out.view());
    losses_ = 0;
    if (phase_ != Phase::over && current_ != &context && context.in_flight == 0) retire(context);
}

// A denial bears no proof: whoever can write to the connection could deny what was done. That the peer does
// not know the context has to be believed all the same, or no channel would outlive a peer's restart; what a
// forger gains is that a call is made twice, as with every RPCSEC_GSS client.
void InitiatorSession::denied(Pending pending, const wire::Reply& reply) {
    const bool is_unknown =
        reply.kind == wire::Reply::Kind::auth_error &&
        (reply.why == AuthStatus::gss_credential_problem || reply.why == AuthStatus::gss_context_problem);
    if (!is_unknown || pending.is_repeat) return fail(denial(Stage::channel, reply));
    const bool is_end = pending.is_destroy && program_ended_ && current_ == &contexts_.at(pending.context);
    if (is_end) return end_unproven();
    lose(pending);
    if (pending.is_destroy) return;
    if (pending.record.empty()) return refuse_here(pending.program_xid, AuthStatus::failed);
    wait({std::move(pending.record), true});
}

void InitiatorSession::deliver(Bytes record) {
    if (auto sent = send_record(host_.program(), record); !sent) fail(std::move(sent).error());
}

void InitiatorSession::network_end() {
    if (phase_ == Phase::over) return;
    if (phase_ != Phase::open)
        return fail({Code::refused_by_peer, Stage::handshake,
                     "peer closed the connection before the context was complete",
                     "the peer's log says why"});
    if (!network_.is_at_boundary())
        return fail(broken(Stage::channel, "connection ended within a message: " + network_.progress()));
    end_unproven();
}

void InitiatorSession::end_unproven() {
    phase_ = Phase::over;
    host_.program_end(Verdict::unauthenticated);
    host_.end(Verdict::unauthenticated, std::nullopt);
}

void InitiatorSession::end_if_done() {
    const bool is_done = program_ended_ && pending_.size() == destroys_ && waiting_.empty() && !making_;
    if (phase_ != Phase::open || !is_done || current_ == nullptr || end_by_) return;
    end_by_ = host_.now() + longest_end;
    send_destroy(*current_);
    schedule();
}

void InitiatorSession::fail(Error error) {
    if (phase_ == Phase::over) return;
    phase_ = Phase::over;
    const auto verdict = error.code == Code::expired ? Verdict::expired : Verdict::reset;
    host_.end(verdict, std::move(error));
}

}  // namespace mutual::oncrpc
