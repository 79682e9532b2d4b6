// SPDX-License-Identifier: Apache-2.0
#include "client/mutualctl/times.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

namespace mutual::ctl {

namespace {

struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
};
constexpr std::array<Unit, 6> units{
    {{"", 1000}, {"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr double longest_milliseconds = 10.0 * 365 * 86'400'000;

std::string two(std::int64_t large, const char* large_unit, std::int64_t small, const char* small_unit) {
    std::string text = std::to_string(large) + large_unit;
    if (small > 0) text += " " + std::to_string(small) + small_unit;
    return text;
}

}  // namespace

std::string short_span(std::chrono::microseconds span) {
    std::array<char, 48> text{};
    const auto milliseconds = static_cast<double>(span.count()) / 1000;
    if (milliseconds < 1000)
        std::snprintf(text.data(), text.size(), "%.1fms", milliseconds);
    else
        std::snprintf(text.data(), text.size(), "%.3fs", milliseconds / 1000);
    return text.data();
}

std::string long_span(std::chrono::seconds span) {
    const std::int64_t seconds = std::max<std::int64_t>(span.count(), 0);
    if (seconds < 60) return std::to_string(seconds) + "s";
    if (seconds < 3600) return two(seconds / 60, "min", seconds % 60, "s");
    if (seconds < 86400) return two(seconds / 3600, "h", seconds / 60 % 60, "min");
    return two(seconds / 86400, "d", seconds / 3600 % 24, "h");
}

std::string local_time(std::int64_t seconds_since_epoch) {
    if (seconds_since_epoch == 0) return {};
    const std::time_t time = seconds_since_epoch;
    std::tm parts{};
    std::array<char, 40> text{};
    if (::localtime_r(&time, &parts) == nullptr ||
        std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S%z", &parts) == 0)
        return std::to_string(seconds_since_epoch);
    std::string result = text.data();
    return result.insert(result.size() - 2, ":");
}

std::string relative_time(std::int64_t seconds_since_epoch, std::int64_t now) {
    if (seconds_since_epoch == 0) return {};
    if (seconds_since_epoch == now) return "now";
    if (seconds_since_epoch > now) return "in " + long_span(std::chrono::seconds(seconds_since_epoch - now));
    return long_span(std::chrono::seconds(now - seconds_since_epoch)) + " ago";
}

std::optional<std::chrono::milliseconds> parse_span(std::string_view text) {
    double number = 0;
    const char* end = text.data() + text.size();
    const auto [rest, problem] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
    if (problem != std::errc()) return std::nullopt;
    const std::string_view name(rest, static_cast<std::size_t>(end - rest));
    for (const Unit& unit : units) {
        if (unit.name != name) continue;
        const double milliseconds = number * static_cast<double>(unit.milliseconds);
        if (!(milliseconds >= 1 && milliseconds <= longest_milliseconds)) return std::nullopt;
        return std::chrono::milliseconds(static_cast<std::int64_t>(milliseconds));
    }
    return std::nullopt;
}

}  // namespace mutual::ctl
