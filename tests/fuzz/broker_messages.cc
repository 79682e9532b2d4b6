// SPDX-License-Identifier: Apache-2.0
// What the broker reads: a caller's request, and the answers of the other programs.
#include <boost/json/serialize.hpp>

#include "daemon/broker/channel_messages.h"
#include "daemon/broker/keys_messages.h"
#include "daemon/broker/plugins_messages.h"
#include "daemon/broker/request.h"
#include "tests/fuzz/call.h"

namespace mutual::fuzz {
namespace {

using namespace broker;

void check_request(varlink::Call& call) {
    const auto request = read_request(call.parameters, "Open");
    if (!accepted_call(request)) return;
    require(request->keywords.size() <= 16, "the number of keywords is bounded");
    require(!request->timeout || (request->timeout->count() >= 1 && request->timeout->count() <= 600'000),
            "a timeout is bounded");
    config::Service service;
    service.keywords = {"ledger"};
    service.host = "app1.example.org";
    const auto query = narrow(service, *request);
    if (!accepted_call(query)) return;
    require(query->host == service.host && query->keywords.front() == "ledger",
            "a request narrows a definition, and takes nothing from it");
    require(json::serialize(to_json(*query)).size() > 2, "a query can be sent");
}

void check_connected(varlink::Call& call) {
    varlink::Reply reply = as_reply(call);
    const Connected connected = read_connected(reply);
    require(connected.attempts.size() <= 64, "the number of attempts is bounded");
    require(connected.error.has_value() || reply.error.empty(), "an error stays one");
    require(
        connected.connect_time <= std::chrono::hours(1) && connected.handshake_time <= std::chrono::hours(1),
        "times are bounded");
}

void check_initiating(varlink::Call& call) {
    varlink::Reply reply = as_reply(call);
    const auto grant = read_initiating(reply);
    if (accepted(grant)) require(static_cast<bool>(grant->grant), "a grant is a descriptor");
}

void check_accepting(varlink::Call& call) {
    varlink::Reply reply = as_reply(call);
    const auto grants = read_accepting(reply);
    if (!accepted(grants)) return;
    for (const auto& grant : grants->grants) require(static_cast<bool>(grant), "a grant is a descriptor");
}

void check_facts(varlink::Call& call) {
    varlink::Reply reply = as_reply(call);
    const auto facts = read_facts(reply);
    if (accepted(facts))
        require(facts->expires >= 0 && facts->expires <= 0xffffffffLL, "an end is one of Kerberos");
}

void check_found(varlink::Call& call) {
    varlink::Reply reply = as_reply(call);
    const Found found = read_found(reply);
    for (const auto& candidate : found.candidates)
        require(candidate.port != 0 && candidate.trust <= SourceTrust::administrator,
                "a candidate is in range");
}

void check_rows(varlink::Call& call) {
    varlink::Reply reply = as_reply(call);
    const auto rows = read_rows(reply);
    if (!accepted(rows)) return;
    for (const auto& row : *rows) require(row.verdict.size() <= 64, "a verdict is bounded");
}

constexpr Reader readers[] = {
    {"Open", check_request},
    {"connected", check_connected},
    {"listening",
     [](varlink::Call& call) {
         varlink::Reply reply = as_reply(call);
         accepted(read_listening(reply));
     }},
    {"rows", check_rows},
    {"whois",
     [](varlink::Call& call) {
         varlink::Reply reply = as_reply(call);
         accepted(read_whois(reply));
     }},
    {"program",
     [](varlink::Call& call) {
         varlink::Reply reply = as_reply(call);
         accepted(read_program(reply));
     }},
    {"initiating", check_initiating},
    {"accepting", check_accepting},
    {"facts", check_facts},
    {"cache",
     [](varlink::Call& call) {
         varlink::Reply reply = as_reply(call);
         accepted(read_ticket_cache(reply));
     }},
    {"found", check_found},
    {"addresses",
     [](varlink::Call& call) {
         varlink::Reply reply = as_reply(call);
         accepted(read_addresses(reply));
     }},
};

}  // namespace
}  // namespace mutual::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return mutual::fuzz::read_with(mutual::fuzz::readers, data, size);
}
