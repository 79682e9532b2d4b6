// SPDX-License-Identifier: Apache-2.0
// Names of credential caches, as they are told to the broker.
#pragma once

#include <string>

namespace mutual::client {

// The broker knows nothing of our working directory: the path of a FILE or DIR cache becomes absolute. Other
// names stay as they are.
std::string absolute_cache(const std::string& name);

}  // namespace mutual::client
