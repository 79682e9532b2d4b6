// SPDX-License-Identifier: Apache-2.0
// What both Sessions have in common.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mutual/error.h"
#include "plugins/oncrpc/rpc_options.h"

namespace mutual::oncrpc {

// Calls that the server of one connection has; an initiator of ours has no more under way than the peer's
// window.
inline constexpr std::size_t most_pending = 8'192;

// What protection and heads add to a record at most.
inline constexpr std::size_t most_overhead = 4'096;

// Major status in the result of INIT (RFC 2743 1.2.1.1): routine errors lie in bits 16 to 23.
inline constexpr std::uint32_t gss_complete = 0;
inline constexpr std::uint32_t gss_continue_needed = 1;
inline constexpr std::uint32_t gss_failure = 13U << 16U;
inline constexpr std::uint32_t gss_unauthorized = 15U << 16U;
inline constexpr std::uint32_t gss_routine_errors = 0xffU << 16U;

inline Error broken(Stage stage, std::string message, std::string_view hint = {}) {
    return {Code::protocol, stage, std::move(message), std::string(hint)};
}

inline std::string to_text(const RpcOptions& options, std::uint32_t version) {
    return "program " + std::to_string(options.program) + " version " + std::to_string(version);
}

}  // namespace mutual::oncrpc
