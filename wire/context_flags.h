// SPDX-License-Identifier: Apache-2.0
// What a wire cannot do without. Whoever made the context has checked it; a Session does once more.
#pragma once

#include <string>

#include "mutual/transport.h"

namespace mutual::wire {

// Those of mutual, confidentiality and integrity, and on an ordered wire sequence, that are not there:
// "mutual, sequence"; empty: none is missing.
std::string missing_flags(const ContextFlags& flags, bool is_ordered);

}  // namespace mutual::wire
