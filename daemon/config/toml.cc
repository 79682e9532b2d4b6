// SPDX-License-Identifier: Apache-2.0
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <utility>

#include "daemon/config/tree.h"

namespace mutual::config {
namespace {

Location location(const toml::source_region& region, const std::string& file) {
    return {file, region.begin.line, region.begin.column};
}

Result<Node> convert(const toml::node& from, const Location& key, const std::string& file);

Result<Node> convert_table(const toml::table& from, Node node, const std::string& file) {
    NodeTable table;
    for (const auto& [key, value] : from) {
        auto child = convert(value, location(key.source(), file), file);
        if (!child) return child;
        table.emplace(std::string(key.str()), std::move(*child));
    }
    node.data = std::move(table);
    return node;
}

Result<Node> convert_list(const toml::array& from, Node node, const std::string& file) {
    NodeList list;
    for (const toml::node& value : from) {
        auto child = convert(value, location(value.source(), file), file);
        if (!child) return child;
        list.push_back(std::move(*child));
    }
    node.data = std::move(list);
    return node;
}

Result<Node> convert(const toml::node& from, const Location& key, const std::string& file) {
    Node node{key, location(from.source(), file), {}};
    if (const auto* table = from.as_table()) return convert_table(*table, std::move(node), file);
    if (const auto* list = from.as_array()) return convert_list(*list, std::move(node), file);
    if (const auto* text = from.as_string())
        node.data = text->get();
    else if (const auto* integer = from.as_integer())
        node.data = integer->get();
    else if (const auto* number = from.as_floating_point())
        node.data = number->get();
    else if (const auto* boolean = from.as_boolean())
        node.data = boolean->get();
    else
        return error_at(node.value, "", "dates and times are not used here", "write a string");
    return node;
}

}  // namespace

Result<Node> parse_toml(std::string_view text, const std::string& file) {
    const toml::parse_result parsed = toml::parse(text, std::string_view(file));
    if (!parsed)
        return error_at(location(parsed.error().source(), file), "",
                        std::string(parsed.error().description()));
    return convert(parsed.table(), Location{file, 1, 1}, file);
}

}  // namespace mutual::config
