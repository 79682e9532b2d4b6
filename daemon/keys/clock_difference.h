// SPDX-License-Identifier: Apache-2.0
// By how much a peer's clock differs from ours, for explaining a handshake that failed for it. Decides
// nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/keys/keytab_file.h"

namespace mutual::keys {

// Seconds by which the clock of a client is ahead of ours; negative: behind. From its first token, once more
// decrypted with the keytab, without regard to times. No value: it cannot be read.
std::optional<std::int64_t> client_ahead(std::string_view first_token, const KeytabFile& keytab);

// The same of an acceptor, from the error token with which it answered. Nobody vouches for that token.
std::optional<std::int64_t> acceptor_ahead(std::string_view error_token);

// "the client's clock is 10 min 3 s ahead of this host's"
std::string clock_text(std::string_view whose, std::int64_t ahead);

}  // namespace mutual::keys
