// SPDX-License-Identifier: Apache-2.0
// Whose a path is: nobody but root and one other user can have put there what it leads to.
#pragma once

#include <sys/types.h>

#include <string>

#include "mutual/error.h"

namespace mutual::broker {

// Every folder on the way, and the socket at its end, belongs to root or `owner`; no folder is writable by
// others (unless sticky), and none is a symbolic link of somebody else's. A path that does not exist is not
// complained about.
Result<void> check_owners(const std::string& path, uid_t owner);

}  // namespace mutual::broker
