// SPDX-License-Identifier: Apache-2.0
// "PROGRAM[:VERSION][@HOST]": which ONC RPC program is meant, as open, plan and find take it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mutual/error.h"

namespace mutual::ctl {

struct RpcTarget {
    std::uint32_t program = 0;
    std::optional<std::uint32_t> version;
    std::optional<std::string> host;
};

// PROGRAM: a number (decimal, or hexadecimal behind 0x), or a name of /etc/rpc, or whatever nsswitch.conf
// says of "rpc". Errors: invalid_request.
Result<RpcTarget> parse_rpc_target(std::string_view text);

}  // namespace mutual::ctl
