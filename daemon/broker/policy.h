// SPDX-License-Identifier: Apache-2.0
// Who may open what: the first rule that matches decides, and without one the caller is refused.
#pragma once

#include <string>
#include <string_view>

#include "daemon/broker/caller_unit.h"
#include "daemon/config/configuration.h"

namespace mutual::broker {

struct Decision {
    bool allowed = false;
    std::string rule;    // the name of the rule that decided; "default" when none matched
    std::string reason;  // for people: which rule, where it is written, what it matched
};

// The unit is asked for only if a rule that otherwise matches lists units. Where it cannot be told, the
// caller is refused: a rule that denies could be the one.
Decision decide(const config::Configuration& configuration, const Caller& caller, CallerUnit& unit,
                std::string_view service);

}  // namespace mutual::broker
