// SPDX-License-Identifier: Apache-2.0
// The exit statuses of mutualctl: stable, and shown by --help and the manual page.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "mutual/error.h"

namespace mutual::ctl {

enum ExitStatus : int {
    exit_ok = 0,
    exit_failed = 1,
    exit_usage = 2,
    exit_not_running = 3,
    exit_not_found = 4,
    exit_denied = 5,
    exit_not_authenticated = 6,
    exit_timed_out = 7,
    exit_stream_cut = 8,
};

// In the order of their numbers.
inline constexpr std::array<std::string_view, 9> exit_meanings{
    "success",
    "the operation failed",
    "wrong usage, or a request that contradicts itself",
    "the daemon is not running",
    "no such service, instance or channel",
    "denied by policy, or no instance is trusted",
    "authentication failed",
    "timed out",
    "the stream ended without the peer's authenticated end",
};

constexpr int exit_status(Code code) {
    switch (code) {
        case Code::invalid_request:
            return exit_usage;
        case Code::unknown_service:
        case Code::not_found:
            return exit_not_found;
        case Code::denied:
        case Code::untrusted:
            return exit_denied;
        case Code::no_credentials:
        case Code::unknown_target:
        case Code::kdc_unreachable:
        case Code::clock_skew:
        case Code::wrong_peer:
        case Code::unprotected:
        case Code::refused_by_peer:
        case Code::expired:
            return exit_not_authenticated;
        case Code::timed_out:
            return exit_timed_out;
        case Code::invalid_configuration:
        case Code::discovery_failed:
        case Code::unreachable:
        case Code::protocol:
        case Code::cancelled:
        case Code::limit:
        case Code::unavailable:
        case Code::plugin_failed:
        case Code::internal:
            break;
    }
    return exit_failed;
}

// "Exit status:" and one line for each, as --help shows it.
std::string exit_status_text();

}  // namespace mutual::ctl
