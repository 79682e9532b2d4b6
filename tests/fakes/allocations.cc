// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> count;
std::atomic<std::size_t> octets;

}  // namespace

void* operator new(std::size_t size) {
    ++count;
    octets += size;
    if (void* room = std::malloc(size == 0 ? 1 : size)) return room;
    throw std::bad_alloc{};
}

void operator delete(void* room) noexcept { std::free(room); }
void operator delete(void* room, std::size_t) noexcept { std::free(room); }

namespace mutual::fakes {

Allocations allocations() { return {count, octets}; }

}  // namespace mutual::fakes
