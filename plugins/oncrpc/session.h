// SPDX-License-Identifier: Apache-2.0
// What both Sessions have in common.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mutual/error.h"

namespace mutual::oncrpc {

inline constexpr std::size_t most_pending = 65'536;  // calls under way

// Major status in the result of INIT (RFC 2743 1.2.1.1): routine errors lie in bits 16 to 23.
inline constexpr std::uint32_t gss_complete = 0;
inline constexpr std::uint32_t gss_continue_needed = 1;
inline constexpr std::uint32_t gss_failure = 13U << 16U;
inline constexpr std::uint32_t gss_unauthorized = 15U << 16U;
inline constexpr std::uint32_t gss_routine_errors = 0xffU << 16U;

inline Error broken(Stage stage, std::string message, std::string_view hint = {}) {
    return {Code::protocol, stage, std::move(message), std::string(hint)};
}

}  // namespace mutual::oncrpc
