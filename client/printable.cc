// SPDX-License-Identifier: Apache-2.0
#include "client/printable.h"

#include <algorithm>
#include <cstdint>

namespace mutual::client {

namespace {

bool continues(unsigned char octet) { return (octet & 0xC0) == 0x80; }

// Octets of the UTF-8 character that `text` starts with; 0: not one, or a control character.
std::size_t character_size(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    if (first < 0x80) return first >= 0x20 && first != 0x7F ? 1 : 0;
    const std::size_t size = first >= 0xF0 && first < 0xF5 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first >= 0xF5 || text.size() < size) return 0;
    for (std::size_t i = 1; i < size; ++i)
        if (!continues(static_cast<unsigned char>(text[i]))) return 0;
    const auto second = static_cast<unsigned char>(text[1]);
    const bool is_c1 = first == 0xC2 && second < 0xA0;
    const bool is_overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
    const bool is_no_scalar = (first == 0xED && second >= 0xA0) || (first == 0xF4 && second >= 0x90);
    return is_c1 || is_overlong || is_no_scalar ? 0 : size;
}

void append_escaped(std::string& result, unsigned char octet) {
    constexpr std::string_view digits = "0123456789abcdef";
    result.append("\\x").append(1, digits[octet >> 4]).append(1, digits[octet & 15]);
}

}  // namespace

std::string printable(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        const std::size_t size = character_size(text);
        if (size == 0)
            append_escaped(result, static_cast<unsigned char>(text.front()));
        else
            result.append(text.substr(0, size));
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return result;
}

std::size_t columns(std::string_view printable_text) {
    return static_cast<std::size_t>(
        std::count_if(printable_text.begin(), printable_text.end(),
                      [](char octet) { return !continues(static_cast<unsigned char>(octet)); }));
}

}  // namespace mutual::client
