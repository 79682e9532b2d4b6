// SPDX-License-Identifier: Apache-2.0
// What becomes of the places that discovery reported: may they be trusted with a name, which SPN must they
// prove, and in which order are they tried. Pure functions; randomness is passed in.
#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemon/config/configuration.h"
#include "mutual/discovery.h"

namespace mutual::broker {

// A candidate with our verdict on it. Only a usable one has an SPN that may be asked for; a refused one shows
// the SPN that it would have had, where one can be composed.
struct Judged {
    Candidate candidate;
    std::string plugin;
    std::string spn;
    std::string principal;  // the SPN with the definition's realm, escaped for libkrb5
    bool usable = false;
    std::string reason;  // why it may be used, or why not
};
boost::json::object to_json(const Judged& judged);

// Who names a candidate that no plugin found; no plugin can be called so.
inline constexpr const char* by_definition = "the definition";
inline constexpr const char* by_request = "the request";

// Trust rules and SPN: class and realm come from the definition alone; host and third part come from the
// candidate only for a reason that the definition states.
Judged judge(Candidate candidate, const std::string& plugin, const config::Service& service);

// Uniform in 0..bound inclusive.
using Random = std::function<std::uint32_t(std::uint32_t bound)>;

// Lower priority first; among equals at random by weight (RFC 2782). Refused ones come last, in their own
// order.
void order(std::vector<Judged>& candidates, const Random& random);

// Whether a DN lies below, or is, the base: compared by RDN, without regard to ASCII case and to blanks
// around "=" and ",". False for what is not a DN.
bool is_below(std::string_view dn, std::string_view base);

}  // namespace mutual::broker
