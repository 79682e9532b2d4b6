// SPDX-License-Identifier: Apache-2.0
// The wire's options of a service: {"program": 200001, "versions": [1, 2], "service": "privacy",
// "max_record": 1048576, "credential": "sys"}. Program and versions are required, the others have these
// defaults. An initiator has one version: that of its channel.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "mutual/error.h"
#include "wire/rpc_record.h"
#include "wire/rpcsec_gss.h"

namespace mutual::oncrpc {

struct RpcOptions {
    std::uint32_t program = 0;
    std::vector<std::uint32_t> versions;  // ascending, at least one
    // What this end sends; and as acceptor the least that it takes.
    wire::GssService service = wire::GssService::privacy;
    std::size_t max_record = wire::default_record;  // octets, at each side
    bool tells_server = true;  // acceptor: who calls, by AUTH_SYS ("sys"), or nothing ("none")

    bool has_version(std::uint32_t version) const { return std::ranges::binary_search(versions, version); }
};

// invalid_configuration: what is wrong with which key.
Result<RpcOptions> read_rpc_options(std::string_view json);

}  // namespace mutual::oncrpc
