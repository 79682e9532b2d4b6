// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/duration.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <system_error>

namespace mutual::config {
namespace {

struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
};
constexpr std::array<Unit, 5> units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"min", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::int64_t longest = std::int64_t{36'525} * 86'400'000;

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc{} || number < 0) return std::nullopt;
    const std::string_view name = text.substr(static_cast<std::size_t>(end - text.data()));
    for (const Unit& unit : units)
        if (unit.name == name && number <= longest / unit.milliseconds)
            return std::chrono::milliseconds(number * unit.milliseconds);
    return std::nullopt;
}

std::string to_text(std::chrono::milliseconds duration) {
    const std::int64_t number = duration.count();
    for (const Unit& unit : units)
        if (number % unit.milliseconds == 0 && number != 0)
            return std::to_string(number / unit.milliseconds).append(unit.name);
    return "0s";
}

}  // namespace mutual::config
