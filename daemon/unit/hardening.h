// SPDX-License-Identifier: Apache-2.0
// What every program of ours does to itself before it reads a byte from anyone.
#pragma once

#include "mutual/error.h"

namespace mutual::unit {

// No core dumps, no inspection by processes of the same uid, no privileges from set-uid programs; as many
// open files as the hard limit allows. (A build with a leak checker stays inspectable: the checker attaches
// to its own process.)
Result<void> harden();

}  // namespace mutual::unit
