// SPDX-License-Identifier: Apache-2.0
// Transport `oncrpc`: ONC RPC under RPCSEC_GSS. For a service's options see rpc_options.h.
#pragma once

#include <memory>

#include "mutual/transport.h"

namespace mutual::oncrpc {

// `options` is the plugin's own part of the configuration; it has none.
Result<std::unique_ptr<Transport>> make_transport(std::string_view options);

}  // namespace mutual::oncrpc
