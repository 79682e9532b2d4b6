// SPDX-License-Identifier: Apache-2.0
#include "daemon/unit/repeats.h"

#include <bit>

#include "daemon/unit/decision_kind.h"

namespace mutual::unit {

namespace {

// "[::1]:700" is whoever is at "[::1]".
std::string_view without_port(std::string_view peer) {
    const std::size_t colon = peer.rfind(':');
    const bool has_port = colon != std::string_view::npos && colon + 1 < peer.size() &&
                          peer.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
    return has_port ? peer.substr(0, colon) : peer;
}

// Numbers of milliseconds, ports and the like differ from one line to the next.
std::string without_numbers(std::string_view text) {
    std::string out;
    for (const char c : text)
        if (c < '0' || c > '9') out.push_back(c);
    return out;
}

// Lines of the same key say the same.
std::string key_of(const LogLine& line) {
    std::string key(1, static_cast<char>('0' + static_cast<int>(line.priority)));
    bool has_decision = false;
    for (const LogField& field : line.fields) {
        if (field.field == Field::request || field.field == Field::channel) continue;
        has_decision |= field.field == Field::decision;
        key.append(name(field.field)).append("=");
        key.append(field.field == Field::peer ? without_port(field.value) : field.value).push_back('\0');
    }
    return has_decision ? key : key + without_numbers(line.message);
}

}  // namespace

std::optional<std::string> Repeats::remark(const LogLine& line, Clock::time_point now) {
    const DecisionKind* decision = kind_of(line.fields);
    const bool may_repeat =
        line.priority <= Priority::notice && (decision == nullptr || decision->may_repeat);
    if (!may_repeat) return std::string();
    std::string key = key_of(line);
    const std::scoped_lock lock(mutex_);
    if (kinds_.size() >= most_kinds && !kinds_.contains(key)) {
        std::erase_if(kinds_, [now](const auto& kind) { return kind.second.first + window <= now; });
        if (kinds_.size() >= most_kinds) key.clear();
    }
    Kind& kind = kinds_[key];
    if (kind.count == 0 || kind.first + window <= now) kind = {now, 0};
    ++kind.count;
    if (kind.count <= always_written) return std::string();
    if (!std::has_single_bit(kind.count)) return std::nullopt;
    const auto since = std::chrono::duration_cast<std::chrono::seconds>(now - kind.first).count();
    return " (and more like this: " + std::to_string(kind.count) + " in " + std::to_string(since + 1) + " s)";
}

}  // namespace mutual::unit
