// SPDX-License-Identifier: Apache-2.0
#include "daemon/unit/text.h"

#include <algorithm>

namespace mutual::unit {
namespace {

void append_hexadecimal(std::string& out, unsigned char octet) {
    static constexpr char digits[] = "0123456789abcdef";
    out.append("\\x").push_back(digits[octet >> 4]);
    out.push_back(digits[octet & 15]);
}

void append_escaped(std::string& out, char c) {
    switch (c) {
        case '\n':
            out.append("\\n");
            return;
        case '\r':
            out.append("\\r");
            return;
        case '\t':
            out.append("\\t");
            return;
        default:
            break;
    }
    const auto octet = static_cast<unsigned char>(c);
    if (octet >= 0x20 && octet < 0x7f)
        out.push_back(c);
    else
        append_hexadecimal(out, octet);
}

void append_rest(std::string& out, std::size_t size, std::size_t cap) {
    if (size > cap) out.append("... (").append(std::to_string(size)).append(" octets)");
}

}  // namespace

std::string shown(std::string_view text, std::size_t cap) {
    std::string out{"\""};
    for (const char c : text.substr(0, cap)) {
        if (c == '"' || c == '\\') out.push_back('\\');
        append_escaped(out, c);
    }
    out.push_back('"');
    append_rest(out, text.size(), cap);
    return out;
}

std::string one_line(std::string_view text, std::size_t cap) {
    std::string out;
    for (const char c : text.substr(0, cap)) append_escaped(out, c);
    append_rest(out, text.size(), cap);
    return out;
}

}  // namespace mutual::unit
