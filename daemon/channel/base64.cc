// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/base64.h"

#include <algorithm>

namespace mutual::channel {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string to_base64(Bytes bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        unsigned group = 0;
        for (std::size_t k = 0; k < 3; ++k)
            group = group << 8 | (k < count ? std::to_integer<unsigned>(bytes[i + k]) : 0U);
        for (std::size_t k = 0; k < 4; ++k) text += k <= count ? alphabet[group >> (18 - 6 * k) & 63U] : '=';
    }
    return text;
}

std::optional<std::vector<std::byte>> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::size_t padding = 0;
    while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
    const std::size_t size = text.size() / 4 * 3 - padding;
    std::vector<std::byte> bytes;
    bytes.reserve(size);
    unsigned group = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto digit = i < text.size() - padding ? alphabet.find(text[i]) : 0;
        if (digit == std::string_view::npos) return std::nullopt;
        group = group << 6 | static_cast<unsigned>(digit);
        if (i % 4 != 3) continue;
        for (int shift = 16; shift >= 0 && bytes.size() < size; shift -= 8)
            bytes.push_back(static_cast<std::byte>(group >> shift & 255U));
        group = 0;
    }
    return bytes;
}

}  // namespace mutual::channel
