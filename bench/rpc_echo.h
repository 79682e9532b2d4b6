// SPDX-License-Identifier: Apache-2.0
// Plain ONC RPC for bench/run: calls that are answered with their own argument, opaque data. The same program
// as tests/interop/echo_program.h, with many calls in one write.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <stdexcept>

#include "wire/rpc_message.h"
#include "wire/rpc_record.h"

namespace mutual::bench {

inline constexpr std::uint32_t echo_program = 0x20000002;
inline constexpr std::uint32_t echo_version = 1;
inline constexpr std::uint32_t echo_procedure = 1;
inline constexpr std::size_t room = 256 * 1024;

inline void put_mark(wire::XdrWriter& out, std::size_t record) { out.raw(wire::mark_of(record)); }

// What `got` says of a record or message that cannot be one.
template <class T>
T good(Result<T> got) {
    if (!got) throw std::runtime_error(got.error().message);
    return std::move(*got);
}

}  // namespace mutual::bench
