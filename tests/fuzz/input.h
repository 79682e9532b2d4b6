// SPDX-License-Identifier: Apache-2.0
// A fuzzer's octets, read from the front as numbers and texts, so that seeds can be written by hand. Used up,
// it gives zeros and empty texts.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mutual::fuzz {

class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

    bool empty() const { return rest_.empty(); }
    std::string_view rest() const { return rest_; }

    std::uint8_t octet() {
        if (rest_.empty()) return 0;
        const auto first = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return first;
    }
    std::uint16_t two_octets() {
        const unsigned high = octet();
        return static_cast<std::uint16_t>(high << 8U | octet());
    }
    std::string octets(std::size_t count) {
        const std::string_view taken = rest_.substr(0, std::min(count, rest_.size()));
        rest_.remove_prefix(taken.size());
        return std::string(taken);
    }
    // Up to the end of the line, which is not given.
    std::string line() {
        const std::size_t end = std::min(rest_.find('\n'), rest_.size());
        std::string text(rest_.substr(0, end));
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        return text;
    }

private:
    std::string_view rest_;
};

}  // namespace mutual::fuzz
