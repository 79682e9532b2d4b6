// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/unit_pattern.h"

#include <fnmatch.h>

namespace mutual::config {

bool UnitPattern::matches(std::string_view unit) const {
    return ::fnmatch(text.c_str(), std::string(unit).c_str(), FNM_NOESCAPE) == 0;
}

Result<UnitPattern> parse_unit_pattern(const std::string& text) {
    constexpr std::string_view allowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@*";
    constexpr std::string_view suffix = ".service";
    const auto wrong = [&text](const std::string& why) {
        return Error(Code::invalid_configuration, Stage::request, "\"" + text + "\" " + why,
                     "write the unit's name as systemctl shows it, as in \"worker@*.service\"");
    };
    if (text.size() > 255) return wrong("is longer than a unit's name can be");
    if (text.find_first_not_of(allowed) != text.npos) return wrong("has a character that no unit's name has");
    if (text.size() <= suffix.size() || !text.ends_with(suffix))
        return wrong("is not the name of a service unit");
    return UnitPattern{text};
}

}  // namespace mutual::config
