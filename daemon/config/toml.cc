// SPDX-License-Identifier: Apache-2.0
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
// It asserts what it then reports as an error: that a time begins with a digit.
#define TOML_ASSERT(condition) static_cast<void>(0)
#include <toml++/toml.h>

#include <utility>

#include "daemon/config/tree.h"
#include "daemon/unit/text.h"

namespace mutual::config {
namespace {

Location location(const toml::source_region& region, const std::string& file) {
    return {file, region.begin.line, region.begin.column};
}

// Tables, lists and dotted keys within each other. Nothing of ours comes near it, and a walk down a tree is
// recursion.
constexpr std::size_t deepest = 16;

// From the library's tree to ours. Every text of ours may become a C string: none holds a NUL, which would
// cut it.
class Converter {
public:
    explicit Converter(const std::string& file) : file_(file) {}

    // `path`: "service.ledger.host"; empty for the root, whose depth is 0.
    Result<Node> convert(const toml::node& from, const Location& key, const std::string& path,
                         std::size_t depth) const {
        Node node{key, location(from.source(), file_), {}};
        if (depth > deepest) return error_at(node.value, path, "is nested too deeply");
        if (const auto* table = from.as_table()) return convert_table(*table, std::move(node), path, depth);
        if (const auto* list = from.as_array()) return convert_list(*list, std::move(node), path, depth);
        if (const auto* text = from.as_string()) return convert_text(text->get(), std::move(node), path);
        if (const auto* integer = from.as_integer())
            node.data = integer->get();
        else if (const auto* number = from.as_floating_point())
            node.data = number->get();
        else if (const auto* boolean = from.as_boolean())
            node.data = boolean->get();
        else
            return error_at(node.value, path, "dates and times are not used here", "write a string");
        return node;
    }

private:
    Result<Node> convert_table(const toml::table& from, Node node, const std::string& path,
                               std::size_t depth) const {
        NodeTable table;
        for (const auto& [key, value] : from) {
            std::string name(key.str());
            const std::string child_path = path.empty() ? name : path + "." + name;
            const Location where = location(key.source(), file_);
            if (has_nul(name)) return error_at(where, child_path, "the key holds a NUL character");
            auto child = convert(value, where, child_path, depth + 1);
            if (!child) return child;
            table.emplace(std::move(name), std::move(*child));
        }
        node.data = std::move(table);
        return node;
    }

    Result<Node> convert_list(const toml::array& from, Node node, const std::string& path,
                              std::size_t depth) const {
        NodeList list;
        for (const toml::node& value : from) {
            auto child = convert(value, location(value.source(), file_), path, depth + 1);
            if (!child) return child;
            list.push_back(std::move(*child));
        }
        node.data = std::move(list);
        return node;
    }

    static Result<Node> convert_text(const std::string& text, Node node, const std::string& path) {
        if (has_nul(text)) return error_at(node.value, path, "holds a NUL character");
        node.data = text;
        return node;
    }

    static bool has_nul(const std::string& text) { return text.find('\0') != std::string::npos; }

    const std::string& file_;
};

}  // namespace

Result<Node> parse_toml(std::string_view text, const std::string& file) {
    const toml::parse_result parsed = toml::parse(text, std::string_view(file));
    if (!parsed)
        return error_at(location(parsed.error().source(), file), "",
                        unit::one_line(parsed.error().description(), 512));
    return Converter(file).convert(parsed.table(), Location{file, 1, 1}, "", 0);
}

}  // namespace mutual::config
