// SPDX-License-Identifier: Apache-2.0
// Secrets between processes: memory files that nobody can change any more. What is read from one is checked
// first, for the process that made it may be hostile.
#pragma once

#include <string_view>

#include "daemon/keys/secret.h"
#include "mutual/error.h"
#include "varlink/unique_fd.h"

namespace mutual::keys {

inline constexpr std::size_t max_sealed = 256 * 1024;

// limit: the secret is larger than max_sealed.
Result<UniqueFd> seal(std::string_view secret);
// protocol: not a memory file, not sealed, empty, or larger than max_sealed. Never blocks.
Result<Secret> unseal(int fd);

}  // namespace mutual::keys
