// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin/findings.h"

#include "daemon/plugin/query.h"
#include "varlink/parameters.h"

namespace mutual::plugin {
namespace {

Error broken(std::string why) { return {Code::protocol, Stage::discovery, std::move(why)}; }

}  // namespace

Result<void> add_reply(const varlink::Reply& reply, std::uint32_t limit, Findings& findings) {
    varlink::Parameters in(reply.parameters, nullptr, "a finder's answer");
    const auto candidate = in.optional_object("candidate");
    const auto note = in.optional_text("note", longest_note);
    const auto problem = in.optional_object("problem");
    if (auto finished = in.finish(); !finished) return finished;
    // Every message but the last counts against a limit, so that their number is bounded.
    if (reply.continues && (problem || candidate.has_value() == note.has_value()))
        return broken("it reported something else than one candidate or one note");
    if (candidate) {
        if (findings.candidates.size() >= limit) return broken("it reported more than was asked for");
        const auto read = read_candidate(*candidate);
        if (!read) return read.error();
        findings.candidates.push_back(*candidate);
    }
    if (note && findings.notes.size() >= most_notes) return broken("it wrote too many notes");
    if (note) findings.notes.push_back(json::string(fit_note(*note)));
    if (!problem) return {};
    findings.problem.emplace();
    return read_problem(*problem, *findings.problem);
}

}  // namespace mutual::plugin
