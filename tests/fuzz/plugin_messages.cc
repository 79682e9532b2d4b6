// SPDX-License-Identifier: Apache-2.0
// What mutuald-plugin reads: calls of the broker, calls of the supervisor to a finder, and a finder's
// replies; and that the broker understands what comes of these.
#include "daemon/broker/plugins_messages.h"
#include "daemon/plugin/findings.h"
#include "daemon/plugin/requests.h"
#include "tests/fuzz/call.h"

namespace mutual::fuzz {
namespace {

using namespace plugin;

void check_query(const Query& query) {
    require(query.limit >= 1 && query.limit <= most_candidates, "a limit is bounded");
    const auto again = read_query(broker::to_json(query));
    require(again.ok() && to_json(*again) == to_json(query), "a query is the same to both programs");
}

void check_find(varlink::Call& call) {
    const auto find = read_find(call);
    if (!accepted_call(find)) return;
    require(find->timeout.count() >= 1 && find->timeout.count() <= 600'000, "a timeout is bounded");
    check_query(find->request.query);
}

void check_finder_find(varlink::Call& call) {
    const auto find = read_finder_find(call);
    if (accepted_call(find)) check_query(find->find.query);
}

// A finder's reply, as if it went on sending the same.
void check_finding(varlink::Call& call) {
    varlink::Reply reply = as_reply(call);
    reply.error.clear();
    constexpr std::uint32_t limit = 3;
    Findings findings;
    for (int i = 0; i < 5; ++i) {
        reply.continues = i < 4;
        if (!accepted(add_reply(reply, limit, findings))) break;
    }
    require(findings.candidates.size() <= limit && findings.notes.size() <= most_notes,
            "findings are bounded");
    varlink::Reply to_broker;
    to_broker.parameters["candidates"] = findings.candidates;
    to_broker.parameters["notes"] = findings.notes;
    if (findings.problem) to_broker.parameters["problem"] = to_json(*findings.problem);
    const broker::Found found = broker::read_found(to_broker);
    require(
        found.candidates.size() + found.notes.size() == findings.candidates.size() + findings.notes.size(),
        "the broker takes each candidate, or says why not");
    require(found.problem.has_value() == findings.problem.has_value(), "the broker learns of a problem");
    if (found.problem) require(found.problem->code == findings.problem->code, "the broker learns what it is");
}

constexpr Reader readers[] = {
    {"Find", check_find},
    {"Resolve", [](varlink::Call& call) { accepted_call(read_resolve(call)); }},
    {"Status", [](varlink::Call& call) { accepted_call(read_status(call)); }},
    {"Load", [](varlink::Call& call) { accepted_call(read_load(call)); }},
    {"finder Find", check_finder_find},
    {"finder Resolve", [](varlink::Call& call) { accepted_call(read_finder_resolve(call)); }},
    {"finding", check_finding},
};

}  // namespace
}  // namespace mutual::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return mutual::fuzz::read_with(mutual::fuzz::readers, data, size);
}
