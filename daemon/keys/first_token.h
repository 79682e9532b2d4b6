// SPDX-License-Identifier: Apache-2.0
// What an initiator's first token shows before any key is used: its mechanism, and which key the ticket in it
// asks for. Nothing here is proven; it serves to choose the key, to refuse other mechanisms, and to explain a
// failure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mutual/error.h"

namespace mutual::keys {

struct AskedKey {
    std::string principal;  // the ticket's server, with realm
    std::uint32_t kvno = 0;
    std::int32_t enctype = 0;
};

// protocol: not a framed Kerberos V5 initial token (RFC 4121 4.1), another mechanism (SPNEGO, IAKERB, the
// historical object identifiers), or a ticket that cannot be read.
Result<AskedKey> read_first_token(std::string_view token);

// The AP-REQ, or the KRB-ERROR, that a framed Kerberos V5 token holds; a part of the argument.
std::optional<std::string_view> kerberos_request_in(std::string_view token);
std::optional<std::string_view> kerberos_error_in(std::string_view token);

}  // namespace mutual::keys
