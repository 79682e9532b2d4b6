// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/tree.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <utility>

#include "daemon/unit/text.h"

namespace mutual::config {
namespace {

void merge_tables(NodeTable& into, NodeTable from) {
    for (auto& [key, node] : from) {
        const auto present = into.find(key);
        if (present == into.end())
            into.emplace(key, std::move(node));
        else
            merge(present->second, std::move(node));
    }
}

void append_quoted(std::string& out, std::string_view text) {
    out.push_back('"');
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out.append({'\\', c});
        } else if (static_cast<unsigned char>(c) < 0x20) {
            std::array<char, 8> escape{};
            std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
            out.append(escape.data());
        } else {
            out.push_back(c);
        }
    }
    out.push_back('"');
}

template <class Number>
void append_number(std::string& out, Number number) {
    std::array<char, 40> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
    out.append(text.data(), end);
}

// Writes a value; answers the first one that JSON cannot express, or null.
struct JsonWriter {
    std::string& out;

    const Node* write(const Node& node) {
        return std::visit([&](const auto& value) { return put(node, value); }, node.data);
    }

private:
    const Node* put(const Node&, const NodeTable& table) {
        const char* before = "{";
        for (const auto& [key, node] : table) {
            out.append(std::exchange(before, ","));
            append_quoted(out, key);
            out.push_back(':');
            if (const Node* bad = write(node)) return bad;
        }
        out.append(table.empty() ? "{}" : "}");
        return nullptr;
    }
    const Node* put(const Node&, const NodeList& list) {
        const char* before = "[";
        for (const Node& node : list) {
            out.append(std::exchange(before, ","));
            if (const Node* bad = write(node)) return bad;
        }
        out.append(list.empty() ? "[]" : "]");
        return nullptr;
    }
    const Node* put(const Node&, const std::string& text) {
        append_quoted(out, text);
        return nullptr;
    }
    const Node* put(const Node&, std::int64_t number) {
        append_number(out, number);
        return nullptr;
    }
    const Node* put(const Node& node, double number) {
        if (!std::isfinite(number)) return &node;
        append_number(out, number);
        return nullptr;
    }
    const Node* put(const Node&, bool value) {
        out.append(value ? "true" : "false");
        return nullptr;
    }
};

}  // namespace

std::string_view type_name(const Node& node) {
    static constexpr std::array<std::string_view, 6> names{"a table",    "a list",   "a string",
                                                           "an integer", "a number", "true or false"};
    return names.at(node.data.index());
}

void merge(Node& into, Node from) {
    auto* old_table = std::get_if<NodeTable>(&into.data);
    auto* new_table = std::get_if<NodeTable>(&from.data);
    if (old_table == nullptr || new_table == nullptr)
        into = std::move(from);
    else
        merge_tables(*old_table, std::move(*new_table));
}

Result<std::string> to_json(const Node& node) {
    std::string text;
    JsonWriter writer{text};
    if (const Node* bad = writer.write(node))
        return error_at(bad->value, "", "infinite numbers are not used here");
    return text;
}

Error error_at(const Location& where, const std::string& key, const std::string& what, std::string hint) {
    std::string message = to_string(where) + ": ";
    if (!key.empty()) message += unit::one_line(key, 256) + ": ";
    return {Code::invalid_configuration, Stage::request, message + what, std::move(hint)};
}

}  // namespace mutual::config
