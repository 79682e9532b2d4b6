// SPDX-License-Identifier: Apache-2.0
// What mutuald-keys and its fetchers read: calls of the broker and of mutuald-channel, and a fetcher's
// answers.
#include "daemon/keys/requests.h"
#include "tests/fuzz/call.h"

namespace mutual::fuzz {
namespace {

using namespace keys;

void check_timeout(std::chrono::milliseconds timeout) {
    require(timeout.count() >= 1 && timeout.count() <= 600'000, "a timeout is bounded");
}

void check_initiate(varlink::Call& call) {
    const auto request = read_initiate(call);
    if (!accepted_call(request)) return;
    check_timeout(request->timeout);
    require(request->wanted.target.find('\0') == std::string::npos, "no text holds a NUL");
    require(request->wanted.minimum_lifetime >= 0, "a lifetime is not negative");
}

void check_accept(varlink::Call& call) {
    const auto request = read_accept(call);
    if (!accepted_call(request)) return;
    require(request->count >= 1 && request->count <= 64, "the number of grants is bounded");
    require(request->principals.size() <= 256, "the number of principals is bounded");
}

void check_cache(varlink::Call& call) {
    const auto request = read_cache_request(call);
    if (!accepted_call(request)) return;
    check_timeout(request->timeout);
    require(request->identity.kind != Identity::Kind::caller, "no cache is written of a caller's tickets");
}

void check_step(varlink::Call& call) {
    const auto request = read_step(call);
    if (!accepted_call(request)) return;
    require(request->handshake >= 0, "a handshake has a number");
    require(request->token.size() < grant_limits.message, "a token is bounded");
}

void check_answer(varlink::Call& call) {
    const auto answer = read_fetcher_answer(as_reply(call));
    if (accepted(answer)) return;
    require(answer.error().message.size() <= 8192, "a fetcher's message is bounded");
}

constexpr Reader readers[] = {
    {"GrantInitiate", check_initiate},
    {"GrantAccept", check_accept},
    {"RevokeAccept", [](varlink::Call& call) { accepted_call(read_revoke(call)); }},
    {"Facts", [](varlink::Call& call) { accepted_call(read_context(call)); }},
    {"TicketCache", check_cache},
    {"Status", [](varlink::Call& call) { accepted_call(read_status(call)); }},
    {"Step", check_step},
    {"Drop", [](varlink::Call& call) { accepted_call(read_drop(call)); }},
    {"ListCredentials", [](varlink::Call& call) { accepted_call(read_list(call)); }},
    {"Look", [](varlink::Call& call) { accepted_call(read_fetch(call)); }},
    {"answer", check_answer},
};

}  // namespace
}  // namespace mutual::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return mutual::fuzz::read_with(mutual::fuzz::readers, data, size);
}
