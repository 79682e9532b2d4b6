// SPDX-License-Identifier: Apache-2.0
// serviceBindingInformation: where on its host a service listens (SCP-9). Its content is between publisher
// and client; ours is a decimal port, or `port=7010;priority=10;weight=5` in any order, port required.
#pragma once

#include <cstdint>
#include <string_view>

#include "mutual/error.h"

namespace mutual::scp {

struct Binding {
    std::uint16_t port = 0;      // 1..65535
    std::uint16_t priority = 0;  // lower first
    std::uint16_t weight = 0;
    bool operator==(const Binding&) const = default;
};

// What is not understood is refused, never guessed (FT-052).
Result<Binding> parse_binding(std::string_view text);

}  // namespace mutual::scp
