// SPDX-License-Identifier: Apache-2.0
// What this program has asked of operator new so far. A program that calls this counts; others keep their
// own.
#pragma once

#include <cstddef>

namespace mutual::fakes {

struct Allocations {
    std::size_t count = 0;
    std::size_t octets = 0;
};

Allocations allocations();

}  // namespace mutual::fakes
