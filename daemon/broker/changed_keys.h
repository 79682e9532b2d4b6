// SPDX-License-Identifier: Apache-2.0
// What two configurations say differently.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mutual::broker {

// Of two configurations as JSON (config::Loaded::written): the keys that were added, removed or
// changed, sorted. A rule is named by its name ("rule.staff.users"); "rule" alone is their order.
std::vector<std::string> changed_keys(std::string_view before, std::string_view after);

}  // namespace mutual::broker
