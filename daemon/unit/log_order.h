// SPDX-License-Identifier: Apache-2.0
// The broker's order how much a program writes to its log: the method SetLogLevel of each internal interface.
#pragma once

#include <string_view>

#include "daemon/unit/log.h"
#include "varlink/service.h"

namespace mutual::unit {

// `interface` is the service's: "org.mutuald.Keys". The level holds for `log` and all its copies.
void add_log_order(varlink::Service& service, std::string_view interface, const Log& log);

}  // namespace mutual::unit
