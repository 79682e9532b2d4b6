// SPDX-License-Identifier: Apache-2.0
// The security contexts of channels: established contexts of Kerberos, imported from what mutuald-keys
// exported. Not for two threads at a time; different contexts may be used in parallel.
#pragma once

#include <memory>

#include "mutual/transport.h"
#include "varlink/unique_fd.h"

namespace mutual::channel {

// Takes the exported context out of a sealed memory file (at most 256 KiB; it must not be writable by anyone
// any more) and wipes what it read. Refuses what is not an open context of the Kerberos mechanism.
Result<std::unique_ptr<SecurityContext>> import_context(UniqueFd memory, ContextFacts facts);

}  // namespace mutual::channel
