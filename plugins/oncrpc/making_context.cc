// SPDX-License-Identifier: Apache-2.0
#include "plugins/oncrpc/making_context.h"

#include <algorithm>

#include "plugins/oncrpc/records.h"
#include "plugins/oncrpc/session.h"
#include "wire/context_flags.h"

namespace mutual::oncrpc {

namespace {

using wire::AcceptStatus;
using wire::AuthFlavor;
using wire::GssProcedure;
using Nothing = std::optional<InitiatorContext>;

constexpr std::string_view see_the_peer = "the peer's log says why";

}  // namespace

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

MakingContext::Outcome MakingContext::stepped(StepAnswer answer, std::uint32_t xid) {
    if (is_refused_)
        return answer.error ? std::move(*answer.error)
                            : Error(Code::refused_by_peer, Stage::handshake, "the peer refused the context",
                                    std::string(see_the_peer));
    if (answer.error) return std::move(*answer.error);
    security_ = answer.established;
    if (!answer.token.empty()) return send(answer.token, xid);
    if (security_ == nullptr || handle_.empty())
        return Error(Code::internal, Stage::handshake, "step gave neither a token nor a complete context");
    return complete();
}

MakingContext::Outcome MakingContext::send(Bytes token, std::uint32_t xid) {
    wire::XdrWriter out;
    wire::put_call(out, xid, options_.program, options_.versions.front(), 0);
    const auto procedure = handle_.empty() ? GssProcedure::init : GssProcedure::continue_init;
    wire::put_auth(out, AuthFlavor::gss, wire::to_xdr({procedure, 0, options_.service, handle_}));
    wire::put_auth(out, AuthFlavor::none, {});
    out.opaque(token);
    awaited_ = xid;
    if (auto sent = send_record(host_.network(), out.view()); !sent) return std::move(sent).error();
    return Nothing();
}

MakingContext::Outcome MakingContext::replied(const wire::Reply& reply) {
    awaited_ = 0;
    if (reply.kind != wire::Reply::Kind::accepted || reply.status != AcceptStatus::success)
        return denial(Stage::handshake, reply);
    auto result = wire::read_init_result(reply.results);
    if (!result) return std::move(result).error();
    if (result->major >> 16U != 0) return refused(*result);
    if (result->handle.empty()) return broken(Stage::handshake, "the peer named no context");
    handle_.assign(result->handle.begin(), result->handle.end());
    window_ = result->window;
    const bool is_complete = (result->major & gss_continue_needed) == 0;
    if (is_complete) {
        if (reply.verifier.flavor != AuthFlavor::gss)
            return broken(Stage::handshake, "the reply that completes the context has no verifier");
        verifier_.assign(reply.verifier.body.begin(), reply.verifier.body.end());
    }
    if (result->token.empty()) {
        if (security_ != nullptr && is_complete) return complete();
        return broken(Stage::handshake, "the peer sent no token before the context was complete");
    }
    host_.step(number_, result->token);
    return Nothing();
}

MakingContext::Outcome MakingContext::refused(const wire::InitResult& result) {
    if (!result.token.empty()) {
        is_refused_ = true;
        host_.step(number_, result.token);
        return Nothing();
    }
    if ((result.major & gss_routine_errors) == gss_unauthorized)
        return Error(Code::refused_by_peer, Stage::handshake, "the peer admits us not (GSS_S_UNAUTHORIZED)",
                     std::string(see_the_peer));
    return Error(Code::refused_by_peer, Stage::handshake,
                 "the peer refused the context: GSS major status " + std::to_string(result.major) +
                     ", minor " + std::to_string(result.minor),
                 std::string(see_the_peer));
}

// The reply's verifier is over the window, so that nobody else can have shortened that.
MakingContext::Outcome MakingContext::complete() {
    if (const auto missing = wire::missing_flags(security_->facts().flags, false); !missing.empty())
        return Error(Code::unprotected, Stage::handshake, "check the finished context: it lacks " + missing,
                     "wire rpcsec_gss needs mutual, confidentiality and integrity from both ends");
    const auto window = wire::to_xdr(window_);
    if (auto verified = security_->verify(window, verifier_); !verified)
        return broken(Stage::handshake,
                      "check the reply that completes the context: " + verified.error().message);
    InitiatorContext context;
    context.number = number_;
    context.security = security_;
    context.handle = std::move(handle_);
    context.window = std::clamp<std::uint32_t>(window_, 1, most_pending);
    return Nothing(std::move(context));
}

}  // namespace mutual::oncrpc
