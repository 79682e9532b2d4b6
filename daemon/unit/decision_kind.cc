// SPDX-License-Identifier: Apache-2.0
#include "daemon/unit/decision_kind.h"

#include <algorithm>

namespace mutual::unit {

const DecisionKind* kind_of(const LogFields& fields) {
    const auto find = [&fields](Field wanted) {
        return std::find_if(fields.begin(), fields.end(),
                            [wanted](const LogField& field) { return field.field == wanted; });
    };
    const auto decision = find(Field::decision);
    if (decision == fields.end()) return nullptr;
    for (const DecisionKind& kind : decision_kinds)
        if (kind.decision == decision->value) return &kind;
    const bool is_of_a_request = find(Field::request) != fields.end();
    return &decision_kinds[decision_kinds.size() - (is_of_a_request ? 2 : 1)];
}

}  // namespace mutual::unit
