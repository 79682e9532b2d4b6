// SPDX-License-Identifier: Apache-2.0
// The one transport of this process: its plugin, found by the configuration or named on the command line.
#pragma once

#include <memory>

#include "daemon/channel/options.h"
#include "daemon/unit/log.h"
#include "mutual/transport.h"

namespace mutual::channel {

Result<std::unique_ptr<Transport>> load_transport(Options options, const unit::Log& log);

}  // namespace mutual::channel
