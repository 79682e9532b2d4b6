// SPDX-License-Identifier: Apache-2.0
// Transport `sockets`: byte streams. Options of a service: {"wire": "gss", "dialect": "cli"}, both with these
// defaults.
#pragma once

#include <memory>

#include "mutual/transport.h"

namespace mutual::sockets {

// `options` is the plugin's own part of the configuration; it has none.
Result<std::unique_ptr<Transport>> make_transport(std::string_view options);

}  // namespace mutual::sockets
