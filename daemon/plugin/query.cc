// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin/query.h"

#include <algorithm>
#include <boost/json/array.hpp>

#include "daemon/unit/text.h"
#include "varlink/parameters.h"

namespace mutual::plugin {
namespace {

constexpr std::size_t longest = 1024;

// The length of the well-formed UTF-8 sequence that begins here (RFC 3629); 0: there is none.
std::size_t sequence(std::string_view text) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = at(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((at(i) & 0xc0) != 0x80) return 0;
    const bool overlong = (first == 0xe0 && at(1) < 0xa0) || (first == 0xf0 && at(1) < 0x90);
    const bool surrogate = first == 0xed && at(1) > 0x9f;
    return overlong || surrogate || (first == 0xf4 && at(1) > 0x8f) ? 0 : length;
}

// The same, and 0 also for a control character.
std::size_t printable(std::string_view text) {
    const bool control = static_cast<unsigned char>(text.front()) < 0x20 || text.front() == 0x7f;
    return control ? 0 : sequence(text);
}

bool is_text(std::string_view text) {
    while (!text.empty()) {
        const auto length = printable(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

Error unfit(std::string why) { return {Code::plugin_failed, Stage::discovery, std::move(why)}; }

}  // namespace

Result<Query> read_query(const json::object& text) {
    varlink::Parameters in(text, nullptr, "query");
    Query query;
    query.service_class = in.text("serviceClass", longest);
    query.keywords = in.texts("keywords", 32, longest);
    query.instance = in.text("instance", longest);
    query.host = in.text("host", longest);
    query.rpc_program = static_cast<std::uint32_t>(in.number("rpcProgram", 0, UINT32_MAX));
    query.rpc_version = static_cast<std::uint32_t>(in.number("rpcVersion", 0, UINT32_MAX));
    query.base = in.text("base", longest);
    query.limit = static_cast<std::uint32_t>(in.number("limit", 1, most_candidates));
    if (auto finished = in.finish(); !finished) return finished.error();
    return query;
}

json::object to_json(const Query& query) {
    json::object text;
    text["serviceClass"] = query.service_class;
    text["keywords"] = json::array(query.keywords.begin(), query.keywords.end());
    text["instance"] = query.instance;
    text["host"] = query.host;
    text["rpcProgram"] = query.rpc_program;
    text["rpcVersion"] = query.rpc_version;
    text["base"] = query.base;
    text["limit"] = query.limit;
    return text;
}

Result<Candidate> read_candidate(const json::object& text) {
    varlink::Parameters in(text, nullptr, "candidate");
    Candidate candidate;
    candidate.host = in.text("host", longest);
    candidate.port = static_cast<std::uint16_t>(in.number("port", 0, UINT16_MAX));
    candidate.transport = in.text("transport", longest);
    candidate.service_class = in.text("serviceClass", longest);
    candidate.spn_host = in.text("spnHost", longest);
    candidate.spn_port = static_cast<std::uint16_t>(in.number("spnPort", 0, UINT16_MAX));
    candidate.service_name = in.text("serviceName", longest);
    candidate.priority = static_cast<std::uint32_t>(in.number("priority", 0, UINT32_MAX));
    candidate.weight = static_cast<std::uint32_t>(in.number("weight", 0, UINT32_MAX));
    candidate.trust =
        static_cast<SourceTrust>(in.choice("trust", {"unauthenticated", "authenticated", "administrator"}));
    candidate.source = in.text("source", longest);
    candidate.version = in.text("version", longest);
    candidate.ttl = std::chrono::seconds(in.number("ttlSeconds", 0, INT32_MAX));
    if (auto finished = in.finish(); !finished) return finished.error();
    if (auto fit = check_candidate(candidate); !fit) return fit.error();
    return candidate;
}

json::object to_json(const Candidate& candidate) {
    static constexpr std::string_view trusts[] = {"unauthenticated", "authenticated", "administrator"};
    json::object text;
    text["host"] = candidate.host;
    text["port"] = candidate.port;
    text["transport"] = candidate.transport;
    text["serviceClass"] = candidate.service_class;
    text["spnHost"] = candidate.spn_host;
    text["spnPort"] = candidate.spn_port;
    text["serviceName"] = candidate.service_name;
    text["priority"] = candidate.priority;
    text["weight"] = candidate.weight;
    text["trust"] = trusts[static_cast<std::size_t>(candidate.trust)];
    text["source"] = candidate.source;
    text["version"] = candidate.version;
    text["ttlSeconds"] = candidate.ttl.count();
    return text;
}

Result<void> check_candidate(const Candidate& candidate) {
    if (candidate.host.empty()) return unfit("it has no host");
    if (candidate.ttl.count() < 0 || candidate.ttl.count() > INT32_MAX)
        return unfit("its ttl is out of range");
    if (candidate.trust > SourceTrust::administrator) return unfit("its trust is none that we know");
    for (const auto* text :
         {&candidate.host, &candidate.transport, &candidate.service_class, &candidate.spn_host,
          &candidate.service_name, &candidate.source, &candidate.version}) {
        if (text->size() > longest)
            return unfit("a text of it is longer than " + std::to_string(longest) + " octets");
        if (!is_text(*text)) return unfit("a text of it is not UTF-8, or has control characters");
    }
    return {};
}

std::string fit_note(std::string_view note) {
    std::string fit;
    while (!note.empty()) {
        const auto length = printable(note);
        const auto next = note.substr(0, std::max<std::size_t>(length, 1));
        const std::string piece = length == 0 ? unit::one_line(next, 1) : std::string(next);
        if (fit.size() + piece.size() > longest_note) break;
        fit += piece;
        note.remove_prefix(next.size());
    }
    return fit;
}

json::object to_json(const Error& problem) {
    json::object text;
    text["code"] = name(problem.code);
    text["stage"] = name(problem.stage);
    text["message"] = fit_note(problem.message);
    text["hint"] = fit_note(problem.hint);
    return text;
}

Result<void> read_problem(const json::object& text, Error& problem) {
    varlink::Parameters in(text, nullptr, "problem");
    const auto code = code_named(in.text("code", 64));
    const auto stage = stage_named(in.text("stage", 64));
    if (!code || !stage) in.fault("code", "is none that we know");
    problem = Error(code.value_or(Code::internal), stage.value_or(Stage::discovery),
                    in.text("message", longest_note), in.text("hint", longest_note));
    return in.finish();
}

}  // namespace mutual::plugin
