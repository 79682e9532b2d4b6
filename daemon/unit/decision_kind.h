// SPDX-License-Identifier: Apache-2.0
// The kinds of decisions that a log has. Each has a MESSAGE_ID that never changes; what it means and what to
// do is in units/mutuald.catalog, by that id, for journalctl -x.
#pragma once

#include <array>
#include <string_view>

#include "daemon/unit/log.h"

namespace mutual::unit {

struct DecisionKind {
    std::string_view decision;  // the field's value; of the last two, any other
    std::string_view id;        // 128 bits in hexadecimal
    bool may_repeat = false;    // whoever is outside can cause it as often as it likes
};

inline constexpr std::array<DecisionKind, 11> decision_kinds{{
    {"opened", "d7e98c1b5c2f4c0fb6a1f9a0c2de1a01"},
    {"admitted", "a4c1f37e09b84d5f8e62b7d0915c3f03"},
    {"closed", "917b4ea3c0d248f6a5e81f2b7c6d9006"},
    {"offered", "60d5c9f24b7e4a18832fe0a1b9d74c07"},
    {"not_offered", "f1a83b6e5d904c27be46190dc7f2e508"},
    {"withdrawn", "2c7e90d1f8b34a65917d3c5ae06b4f09"},
    {"refused_caller", "d04f6c2b81e7495aa3b9160e5f7d820c", true},
    {"reloaded", "b95d2f7c1e684039a8f4c06d7eb3150a"},
    {"not_reloaded", "48ce07a9d3f24b619b5e8f1a72dc630b"},
    {"(a request that failed)", "5b0a6b9a3f1d4e0e9c7a2f4c8d31e702", true},
    {"(a peer that was refused)", "3e9d52c87a6b4f1c90e4d8b617f2a504", true},
}};

// Of a line with these fields; null: it tells no decision. A decision that is an error's code is of a request
// if the line names one, otherwise of a peer.
const DecisionKind* kind_of(const LogFields& fields);

}  // namespace mutual::unit
