// SPDX-License-Identifier: Apache-2.0
// What mutuald-plugin reads: calls of the broker, calls of the supervisor to a finder, and a finder's
// replies; and that the broker understands what comes of these.
#include "daemon/broker/plugins_messages.h"
#include "daemon/plugin/findings.h"
#include "daemon/plugin/requests.h"
#include "daemon/plugin/rpc_requests.h"
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

void check_find_rpc(varlink::Call& call) {
    const auto find = read_find_rpc(call);
    if (!accepted_call(find)) return;
    require(!find->query.addresses.empty() && find->query.addresses.size() <= 16, "addresses are bounded");
    const FinderFindRpcCall request{find->query, 111, find->timeout};
    const auto again = read_finder_find_rpc(to_call(request));
    require(again.ok() && again->query == find->query && again->timeout == find->timeout,
            "a finder is asked what the supervisor was");
}

void check_register_rpc(varlink::Call& call) {
    const auto wanted = read_register_rpc(call);
    if (!accepted_call(wanted)) return;
    const auto& registration = wanted->registration;
    require(!registration.versions.empty() && registration.versions.size() <= most_rpc_versions,
            "versions are bounded");
    require(registration.port != 0, "a service has a port");
    const FinderRegisterCall request{true, "/run/rpcbind.sock", registration, std::chrono::milliseconds(1)};
    const auto again = read_finder_register(to_call(request));
    require(again.ok() && again->is_wanted && again->registration == registration,
            "a finder is told what the supervisor was");
}

// A finder's reply; the broker understands what comes of it.
void check_rpc_place(varlink::Call& call) {
    const auto place = read_rpc_place(as_reply(call));
    if (!accepted(place)) return;
    const auto again = broker::read_rpc_place(to_reply(*place));
    require(again.ok() && again->address == place->address && again->port == place->port &&
                again->how == place->how,
            "a place is the same to both programs");
}

constexpr Reader readers[] = {
    {"Find", check_find},
    {"Resolve", [](varlink::Call& call) { accepted_call(read_resolve(call)); }},
    {"Status", [](varlink::Call& call) { accepted_call(read_status(call)); }},
    {"Load", [](varlink::Call& call) { accepted_call(read_load(call)); }},
    {"finder Find", check_finder_find},
    {"finder Resolve", [](varlink::Call& call) { accepted_call(read_finder_resolve(call)); }},
    {"finding", check_finding},
    {"FindRpc", check_find_rpc},
    {"RegisterRpc", check_register_rpc},
    {"UnregisterRpc", [](varlink::Call& call) { accepted_call(read_unregister_rpc(call)); }},
    {"KeepRpc", [](varlink::Call& call) { accepted_call(read_keep_rpc(call)); }},
    {"finder FindRpc", [](varlink::Call& call) { accepted_call(read_finder_find_rpc(call)); }},
    {"finder Register", [](varlink::Call& call) { accepted_call(read_finder_register(call)); }},
    {"place", check_rpc_place},
};

}  // namespace
}  // namespace mutual::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return mutual::fuzz::read_with(mutual::fuzz::readers, data, size);
}
