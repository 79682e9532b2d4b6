// SPDX-License-Identifier: Apache-2.0
#include "wire/context_flags.h"

namespace mutual::wire {

std::string missing_flags(const ContextFlags& flags, bool is_ordered) {
    std::string names;
    const auto require = [&names](bool present, std::string_view name) {
        if (!present) names.append(names.empty() ? "" : ", ").append(name);
    };
    require(flags.mutual, "mutual");
    require(flags.confidentiality, "confidentiality");
    require(flags.integrity, "integrity");
    if (is_ordered) require(flags.sequence, "sequence");
    return names;
}

}  // namespace mutual::wire
