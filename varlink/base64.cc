// SPDX-License-Identifier: Apache-2.0
#include "varlink/base64.h"

#include <algorithm>
#include <cstdint>

namespace mutual::varlink {

namespace {

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::optional<std::uint32_t> value_of(char digit) {
    const std::size_t at = digits.find(digit);
    if (at == std::string_view::npos) return std::nullopt;
    return static_cast<std::uint32_t>(at);
}

}  // namespace

std::string to_base64(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i)
            group = group << 8 | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0U);
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - at) + 1;
        for (std::size_t i = 0; i < 4; ++i) text += i < count ? digits[group >> (18 - 6 * i) & 63] : '=';
    }
    return text;
}

std::optional<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3);
    for (std::size_t at = 0; at < text.size(); at += 4) {
        const std::size_t padded = at + 4 == text.size() ? padding : 0;
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            const auto value = i < 4 - padded ? value_of(text[at + i]) : 0;
            if (!value) return std::nullopt;
            group = group << 6 | *value;
        }
        if ((group & ((1U << 8 * padded) - 1)) != 0) return std::nullopt;
        for (std::size_t i = 0; i < 3 - padded; ++i) bytes += static_cast<char>(group >> (16 - 8 * i));
    }
    return bytes;
}

std::string to_base64(std::span<const std::byte> octets) {
    return to_base64(std::string_view(reinterpret_cast<const char*>(octets.data()), octets.size()));
}

std::optional<std::vector<std::byte>> bytes_from_base64(std::string_view text) {
    const std::optional<std::string> octets = from_base64(text);
    if (!octets) return std::nullopt;
    const auto bytes = std::as_bytes(std::span(*octets));
    return std::vector<std::byte>(bytes.begin(), bytes.end());
}

}  // namespace mutual::varlink
