// SPDX-License-Identifier: Apache-2.0
// A service connection point as its author wrote it: the first line is the entry's name, the others
// `attribute=value` with "\n" for a line's end. What follows an empty line is a query's keyword and instance.
#include "daemon/plugin/findings.h"
#include "daemon/plugin/query.h"
#include "mutual/spn.h"
#include "plugins/options/fold.h"
#include "plugins/scp/filter.h"
#include "plugins/scp/service_point.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/property.h"

namespace mutual::fuzz {
namespace {

using namespace scp;
namespace json = boost::json;

scp::Entry read_entry(Input& input) {
    scp::Entry entry;
    entry.dn = input.line();
    for (std::string line = input.line(); !line.empty(); line = input.line()) {
        const auto equals = std::min(line.find('='), line.size());
        auto& values = entry.attributes[options::lowered(line.substr(0, equals))];
        values.push_back(line.substr(std::min(equals + 1, line.size())));
    }
    return entry;
}

// What a finder reports, and the supervisor makes of it.
void check_reported(plugin::Findings& findings, const char* field, json::value value) {
    varlink::Reply reply;
    reply.continues = true;
    reply.parameters[field] = std::move(value);
    const auto added = plugin::add_reply(reply, plugin::most_candidates, findings);
    require(added.ok(), "an honest finder is understood", added ? "" : added.error().message);
}

void check_note(plugin::Findings& findings, const std::string& text) {
    const std::string note = plugin::fit_note(text);
    require(note.size() <= plugin::longest_note, "a note fits");
    require(plugin::fit_note(note) == note, "what was made fit is fit", note);
    if (findings.notes.size() < plugin::most_notes) check_reported(findings, "note", json::string(note));
}

void check_candidate(plugin::Findings& findings, const Candidate& candidate) {
    require(
        is_dns_name(candidate.host) && !candidate.host.ends_with('.') && candidate.host == candidate.spn_host,
        "a host is a name", candidate.host);
    require(candidate.port != 0 || candidate.trust == SourceTrust::unauthenticated, "a binding has a port");
    if (!accepted(plugin::check_candidate(candidate))) return;
    check_reported(findings, "candidate", plugin::to_json(candidate));
    const Spn spn{candidate.service_class, candidate.spn_host, 0, "", candidate.service_name};
    const auto principal = to_principal(spn, "EXAMPLE.ORG");
    if (!accepted(principal)) return;
    const auto parts = parse_principal(*principal);
    require(
        parts.ok() && parts->components.back() == (spn.service_name.empty() ? spn.host : spn.service_name),
        "an entry's name reaches the KDC as it is", *principal);
}

void check_entry(const scp::Entry& entry) {
    std::vector<std::string> notes;
    plugin::Findings findings;
    const auto point = read_point(entry, notes);
    if (!point) {
        require(!point.error().message.empty(), "an entry that is passed over has a reason");
        notes.push_back(entry.dn + ": " + point.error().message);
    }
    for (const auto& note : notes) check_note(findings, note);
    if (!point) return;
    require(point->srv || !point->bindings.empty(), "a usable entry leads somewhere");
    require(is_of_class(*point, point->service_class), "an entry is of its own class");
    const std::vector<SrvRecord> records{{"app1.example.org.", 7010, 1, 2}, {"a/b", 1, 0, 0}};
    const auto candidates = candidates_of(*point, SourceTrust::authenticated, records);
    require(candidates.size() == (point->srv ? 1 : point->bindings.size()), "there is one for each binding");
    for (const auto& candidate : candidates) check_candidate(findings, candidate);
}

void check_binding(std::string_view text) {
    const auto binding = parse_binding(text);
    if (!accepted(binding)) return;
    require(binding->port != 0, "a binding has a port");
    const std::string written = "port=" + std::to_string(binding->port) +
                                ";priority=" + std::to_string(binding->priority) +
                                ";weight=" + std::to_string(binding->weight);
    const auto again = parse_binding(written);
    require(again.ok() && *again == *binding, "a binding survives being written", written);
}

std::size_t count(std::string_view text, char c) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), c));
}

void check_filter(const std::string& keyword, const std::string& instance) {
    Query query;
    query.keywords = {keyword, keyword};
    query.instance = instance;
    query.service_class = keyword;
    const auto filter = search_filter(query, true);
    if (!accepted(filter)) return;
    const std::size_t terms = (keyword.empty() ? 4U : 5U) + (instance.empty() ? 0U : 3U);
    require(count(*filter, '(') == terms && count(*filter, ')') == terms && count(*filter, '*') == 0 &&
                count(*filter, '\0') == 0,
            "nothing of a query changes a filter's shape", *filter);
    is_distinguished_name(keyword);
}

}  // namespace
}  // namespace mutual::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutual::fuzz;
    Input input(data, size);
    const auto entry = read_entry(input);
    check_entry(entry);
    const std::string keyword = input.line();
    check_binding(keyword);
    check_filter(keyword, input.line());
    return 0;
}
