// SPDX-License-Identifier: Apache-2.0
// The wire's options of a service: {"wire": "rpcsec_gss", "program": 200001, "version": 1, "service":
// "privacy", "max_record": 1048576}. Program and version are required, the others have these defaults.
#pragma once

#include <cstdint>
#include <string_view>

#include "mutual/error.h"
#include "wire/rpc_record.h"
#include "wire/rpcsec_gss.h"

namespace mutual::oncrpc {

struct RpcOptions {
    std::uint32_t program = 0;
    std::uint32_t version = 0;
    // What this end sends; and as acceptor the least that it takes.
    wire::GssService service = wire::GssService::privacy;
    std::size_t max_record = wire::default_record;  // octets, at each side
};

// invalid_configuration: what is wrong with which key.
Result<RpcOptions> read_rpc_options(std::string_view json);

}  // namespace mutual::oncrpc
