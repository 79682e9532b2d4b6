// SPDX-License-Identifier: Apache-2.0
#include "plugins/scp/binding.h"

#include <charconv>
#include <optional>
#include <string>

namespace mutual::scp {
namespace {

// Decimal without sign, blank or leading zero, 0..65535.
std::optional<std::uint16_t> parse_number(std::string_view text) {
    std::uint16_t number = 0;
    if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

Error not_understood(std::string why) { return {Code::discovery_failed, Stage::discovery, std::move(why)}; }

struct Fields {
    std::optional<std::uint16_t> port, priority, weight;
    std::optional<std::uint16_t>* named(std::string_view key) {
        if (key == "port") return &port;
        if (key == "priority") return &priority;
        if (key == "weight") return &weight;
        return nullptr;
    }
};

Result<void> parse_field(std::string_view field, Fields& fields) {
    const auto equals = field.find('=');
    if (equals == field.npos) return not_understood("a field has no `=`");
    auto* slot = fields.named(field.substr(0, equals));
    if (!slot) return not_understood("a field is neither port, priority nor weight");
    if (*slot) return not_understood("a field is there twice");
    *slot = parse_number(field.substr(equals + 1));
    if (!*slot) return not_understood("a field is not a number from 0 to 65535");
    return {};
}

}  // namespace

Result<Binding> parse_binding(std::string_view text) {
    Fields fields;
    if (text.find('=') == text.npos) {
        fields.port = parse_number(text);
        if (!fields.port) return not_understood("it is not a port from 1 to 65535");
    } else {
        while (true) {
            const auto end = text.find(';');
            if (auto parsed = parse_field(text.substr(0, end), fields); !parsed) return parsed.error();
            if (end == text.npos) break;
            text.remove_prefix(end + 1);
        }
    }
    if (!fields.port) return not_understood("it names no port");
    if (*fields.port == 0) return not_understood("its port is 0");
    return Binding{*fields.port, fields.priority.value_or(0), fields.weight.value_or(0)};
}

}  // namespace mutual::scp
