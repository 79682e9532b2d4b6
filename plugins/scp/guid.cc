// SPDX-License-Identifier: Apache-2.0
#include "plugins/scp/guid.h"

#include <algorithm>
#include <charconv>

namespace mutual::scp {

std::optional<StoredGuid> parse_guid(std::string_view text) {
    if (text.size() != 36) return std::nullopt;
    StoredGuid guid{};
    std::size_t at = 0;
    for (std::size_t octet = 0; octet < guid.size(); ++octet) {
        if (at == 8 || at == 13 || at == 18 || at == 23)
            if (text[at++] != '-') return std::nullopt;
        const auto* digits = text.data() + at;
        const auto [end, error] = std::from_chars(digits, digits + 2, guid[octet], 16);
        if (error != std::errc{} || end != digits + 2) return std::nullopt;
        at += 2;
    }
    std::reverse(guid.begin(), guid.begin() + 4);
    std::reverse(guid.begin() + 4, guid.begin() + 6);
    std::reverse(guid.begin() + 6, guid.begin() + 8);
    return guid;
}

}  // namespace mutual::scp
