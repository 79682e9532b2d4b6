// SPDX-License-Identifier: Apache-2.0
// A whole record into an outlet.
#pragma once

#include "wire/rpc_record.h"
#include "wire/xdr.h"

namespace mutual::oncrpc {

// Errors: limit.
Result<void> send_record(Outlet& out, Bytes record);

}  // namespace mutual::oncrpc
