// SPDX-License-Identifier: Apache-2.0
#include "wire/rpc_message.h"

namespace mutual::wire {

namespace {

constexpr std::uint32_t call = 0, reply = 1;
constexpr std::uint32_t accepted = 0, denied = 1;
constexpr std::uint32_t rpc_mismatch = 0, auth_error = 1;

Error malformed(const std::string& what) {
    return {Code::protocol, Stage::channel, "read an RPC message: " + what};
}

OpaqueAuth read_auth(XdrReader& in) {
    OpaqueAuth auth;
    auth.flavor = static_cast<AuthFlavor>(in.number());
    auth.body = in.opaque(max_auth);
    return auth;
}

// The part behind "accepted".
Result<void> read_accepted(XdrReader& in, Reply& answer) {
    answer.verifier = read_auth(in);
    answer.status = static_cast<AcceptStatus>(in.number());
    if (!in.is_good()) return malformed("its verifier is cut, or too long");
    if (answer.status > AcceptStatus::system_error)
        return malformed("accept status " + std::to_string(static_cast<std::uint32_t>(answer.status)));
    if (answer.status == AcceptStatus::success) {
        answer.results = in.rest();
        return {};
    }
    if (answer.status == AcceptStatus::program_mismatch) {
        answer.low = in.number();
        answer.high = in.number();
    }
    if (!in.is_good() || !in.is_at_end()) return malformed("a reply without results has another length");
    return {};
}

Result<void> read_denied(XdrReader& in, Reply& answer) {
    const std::uint32_t kind = in.number();
    if (kind == rpc_mismatch) {
        answer.kind = Reply::Kind::rpc_mismatch;
        answer.low = in.number();
        answer.high = in.number();
    } else if (kind == auth_error) {
        answer.kind = Reply::Kind::auth_error;
        answer.why = static_cast<AuthStatus>(in.number());
    } else {
        return malformed("reject status " + std::to_string(kind));
    }
    if (!in.is_good() || !in.is_at_end()) return malformed("a denial has another length");
    return {};
}

}  // namespace

Result<Call> read_call(MutableBytes record) {
    XdrReader in(record);
    Call message;
    message.xid = in.number();
    const std::uint32_t kind = in.number();
    message.rpc = in.number();
    if (!in.is_good()) return malformed("it is cut");
    if (kind != call) return malformed(kind == reply ? "a reply where a call belongs" : "no call or reply");
    if (message.rpc != rpc_version) return message;
    message.program = in.number();
    message.version = in.number();
    message.procedure = in.number();
    message.credential = read_auth(in);
    message.head = Bytes(record).first(in.offset());
    message.verifier = read_auth(in);
    message.arguments = in.rest();
    if (!in.is_good()) return malformed("the head of a call is cut, or a credential or verifier too long");
    return message;
}

Result<Reply> read_reply(MutableBytes record) {
    XdrReader in(record);
    Reply answer;
    answer.xid = in.number();
    const std::uint32_t kind = in.number();
    const std::uint32_t status = in.number();
    if (!in.is_good()) return malformed("it is cut");
    if (kind != reply) return malformed(kind == call ? "a call where a reply belongs" : "no call or reply");
    if (status != accepted && status != denied) return malformed("reply status " + std::to_string(status));
    Result<void> read = status == accepted ? read_accepted(in, answer) : read_denied(in, answer);
    if (!read) return std::move(read).error();
    return answer;
}

void put_call(XdrWriter& out, std::uint32_t xid, std::uint32_t program, std::uint32_t version,
              std::uint32_t procedure) {
    for (const std::uint32_t word : {xid, call, rpc_version, program, version, procedure}) out.number(word);
}

void put_auth(XdrWriter& out, AuthFlavor flavor, Bytes body) {
    out.number(static_cast<std::uint32_t>(flavor));
    out.opaque(body);
}

void put_accepted(XdrWriter& out, std::uint32_t xid, const OpaqueAuth& verifier, AcceptStatus status) {
    for (const std::uint32_t word : {xid, reply, accepted}) out.number(word);
    put_auth(out, verifier.flavor, verifier.body);
    out.number(static_cast<std::uint32_t>(status));
}

void put_accepted(XdrWriter& out, std::uint32_t xid, const OpaqueAuth& verifier, const Reply& like) {
    put_accepted(out, xid, verifier, like.status);
    if (like.status != AcceptStatus::program_mismatch) return;
    out.number(like.low);
    out.number(like.high);
}

void put_rpc_mismatch(XdrWriter& out, std::uint32_t xid) {
    for (const std::uint32_t word : {xid, reply, denied, rpc_mismatch, rpc_version, rpc_version})
        out.number(word);
}

void put_auth_error(XdrWriter& out, std::uint32_t xid, AuthStatus why) {
    for (const std::uint32_t word : {xid, reply, denied, auth_error, static_cast<std::uint32_t>(why)})
        out.number(word);
}

std::string to_text(AcceptStatus status) {
    switch (status) {
        case AcceptStatus::success:
            return "success";
        case AcceptStatus::program_unavailable:
            return "PROG_UNAVAIL";
        case AcceptStatus::program_mismatch:
            return "PROG_MISMATCH";
        case AcceptStatus::procedure_unavailable:
            return "PROC_UNAVAIL";
        case AcceptStatus::garbage_arguments:
            return "GARBAGE_ARGS";
        case AcceptStatus::system_error:
            return "SYSTEM_ERR";
    }
    return "accept status " + std::to_string(static_cast<std::uint32_t>(status));
}

std::string to_text(AuthStatus why) {
    switch (why) {
        case AuthStatus::bad_credential:
            return "AUTH_BADCRED";
        case AuthStatus::rejected_credential:
            return "AUTH_REJECTEDCRED";
        case AuthStatus::bad_verifier:
            return "AUTH_BADVERF";
        case AuthStatus::rejected_verifier:
            return "AUTH_REJECTEDVERF";
        case AuthStatus::too_weak:
            return "AUTH_TOOWEAK";
        case AuthStatus::invalid_response:
            return "AUTH_INVALIDRESP";
        case AuthStatus::failed:
            return "AUTH_FAILED";
        case AuthStatus::gss_credential_problem:
            return "RPCSEC_GSS_CREDPROBLEM";
        case AuthStatus::gss_context_problem:
            return "RPCSEC_GSS_CTXPROBLEM";
    }
    return "auth status " + std::to_string(static_cast<std::uint32_t>(why));
}

}  // namespace mutual::wire
