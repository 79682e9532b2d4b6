// SPDX-License-Identifier: Apache-2.0
// The heads of ONC RPC messages and what RPCSEC_GSS puts into them: the first octet says which, the rest is
// read as it. What was understood, written again, is what was read, but for padding.
#include "wire/rpc_message.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/property.h"
#include "wire/rpcsec_gss.h"

namespace mutual::fuzz {
namespace {

using namespace wire;
using Octets = std::vector<std::byte>;

void require_within(Bytes part, Bytes record, std::string_view what) {
    if (part.empty()) return;
    require(part.data() >= record.data() && part.data() + part.size() <= record.data() + record.size(), what);
}

// Octets that mean nothing may differ: those of padding.
void require_same(Bytes written, Bytes read, std::size_t padding, std::string_view what) {
    require(written.size() == read.size(), what, "another length");
    std::size_t different = 0;
    for (std::size_t i = 0; i < read.size(); ++i)
        if (written[i] != read[i]) {
            require(written[i] == std::byte{0}, what, "padding is written as zeros");
            ++different;
        }
    require(different <= padding, what, "other octets");
}

void check_call(MutableBytes record) {
    const auto call = read_call(record);
    if (!accepted(call) || call->rpc != rpc_version) return;
    for (const Bytes part :
         {Bytes(call->credential.body), Bytes(call->verifier.body), call->head, Bytes(call->arguments)})
        require_within(part, record, "a call's parts lie in its record");
    for (const OpaqueAuth& auth : {call->credential, call->verifier})
        require(auth.body.size() <= max_auth, "a credential or verifier is bounded");
    XdrWriter out;
    put_call(out, call->xid, call->program, call->version, call->procedure);
    put_auth(out, call->credential.flavor, call->credential.body);
    require(out.view().size() == call->head.size() && call->head.data() == record.data(),
            "the head ends behind the credential");
    put_auth(out, call->verifier.flavor, call->verifier.body);
    out.raw(call->arguments);
    require_same(out.view(), record,
                 xdr_padding(call->credential.body.size()) + xdr_padding(call->verifier.body.size()),
                 "a call is what it is written as");
}

void write(XdrWriter& out, const Reply& reply) {
    if (reply.kind == Reply::Kind::auth_error) return put_auth_error(out, reply.xid, reply.why);
    put_accepted(out, reply.xid, reply.verifier, reply.status);
    if (reply.status == AcceptStatus::program_mismatch) {
        out.number(reply.low);
        out.number(reply.high);
    }
    out.raw(reply.results);
}

void check_reply(MutableBytes record) {
    const auto reply = read_reply(record);
    if (!accepted(reply)) return;
    require(!to_text(reply->status).empty() && !to_text(reply->why).empty(), "a status has a name");
    if (reply->kind == Reply::Kind::rpc_mismatch) return;
    require_within(reply->verifier.body, record, "a verifier lies in its record");
    require_within(reply->results, record, "results lie in their record");
    require(reply->verifier.body.size() <= max_auth, "a verifier is bounded");
    XdrWriter out;
    write(out, *reply);
    require_same(out.view(), record, xdr_padding(reply->verifier.body.size()),
                 "a reply is what it is written as");
}

void check_credential(MutableBytes body) {
    const auto credential = read_credential(body);
    if (!accepted(credential)) return;
    require(credential->handle.size() <= max_handle, "a handle is bounded");
    require_same(to_xdr(*credential), body, xdr_padding(credential->handle.size()),
                 "a credential is what it is written as");
}

void check_init_token(MutableBytes arguments) {
    const auto token = read_init_token(arguments);
    if (!accepted(token)) return;
    require(token->size() <= max_init_token, "a token is bounded");
    XdrWriter out;
    out.opaque(*token);
    require_same(out.view(), arguments, xdr_padding(token->size()),
                 "INIT's argument is what it is written as");
}

void check_init_result(MutableBytes results) {
    const auto result = read_init_result(results);
    if (!accepted(result)) return;
    require(result->handle.size() <= max_handle && result->token.size() <= max_init_token,
            "the parts of INIT's result are bounded");
    XdrWriter out;
    put_init_result(out, *result);
    require_same(out.view(), results, xdr_padding(result->handle.size()) + xdr_padding(result->token.size()),
                 "INIT's result is what it is written as");
}

// A list of numbers, two octets each: what the window lets pass once it never does again.
void check_window(Bytes numbers) {
    SequenceWindow window;
    std::vector<std::uint32_t> seen;
    for (std::size_t i = 0; i + 1 < numbers.size() && seen.size() < 1024; i += 2) {
        const std::uint32_t low = std::to_integer<std::uint32_t>(numbers[i + 1]);
        const std::uint32_t sequence = std::to_integer<std::uint32_t>(numbers[i]) * 64 + low;
        const bool was_seen = std::find(seen.begin(), seen.end(), sequence) != seen.end();
        const std::uint32_t highest = seen.empty() ? 0 : *std::max_element(seen.begin(), seen.end());
        const bool is_old = sequence + SequenceWindow::size <= highest;
        require(window.is_fresh(sequence) == (!was_seen && !is_old), "the window knows what it has seen");
        if (!window.is_fresh(sequence)) continue;
        window.mark(sequence);
        seen.push_back(sequence);
    }
}

}  // namespace
}  // namespace mutual::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutual::fuzz;
    Input input(data, size);
    const auto what = input.octet();
    const auto octets = std::as_bytes(std::span(input.rest()));
    Octets record(octets.begin(), octets.end());
    switch (what % 6U) {
        case 0:
            check_call(record);
            break;
        case 1:
            check_reply(record);
            break;
        case 2:
            check_credential(record);
            break;
        case 3:
            check_init_token(record);
            break;
        case 4:
            check_init_result(record);
            break;
        default:
            check_window(record);
    }
    return 0;
}
