// SPDX-License-Identifier: Apache-2.0
// Names of systemd services as an administrator lists them: "backup.service", "worker@*.service".
#pragma once

#include <string>
#include <string_view>

#include "mutual/error.h"

namespace mutual::config {

// `*` stands for any text.
struct UnitPattern {
    std::string text;
    bool matches(std::string_view unit) const;
};

Result<UnitPattern> parse_unit_pattern(const std::string& text);

}  // namespace mutual::config
