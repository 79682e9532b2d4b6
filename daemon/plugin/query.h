// SPDX-License-Identifier: Apache-2.0
// Queries and candidates as org.mutuald.Plugins writes them. Reading checks types, ranges and sizes: what a
// plugin reports was written by strangers, and what a finder sends may come from a plugin gone wild.
#pragma once

#include <boost/json/object.hpp>

#include "mutual/discovery.h"

namespace mutual::plugin {

namespace json = boost::json;

inline constexpr std::uint32_t most_candidates = 1000;
inline constexpr std::size_t most_notes = 100;
inline constexpr std::size_t longest_note = 1024;

Result<Query> read_query(const json::object& text);
json::object to_json(const Query& query);

Result<Candidate> read_candidate(const json::object& text);
json::object to_json(const Candidate& candidate);

// What the host demands of a candidate, whoever made it: a host, sizes, UTF-8 without control
// characters.
Result<void> check_candidate(const Candidate& candidate);

// A part of the answer: what is not UTF-8 or is a control character is replaced by an escape; what does not
// fit into `longest_note` octets is left out, whole characters and escapes at a time. So it is UTF-8 again,
// and what was made fit stays as it is.
std::string fit_note(std::string_view note);

json::object to_json(const Error& problem);
Result<void> read_problem(const json::object& text, Error& problem);

}  // namespace mutual::plugin
