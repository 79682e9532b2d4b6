// SPDX-License-Identifier: Apache-2.0
// TOML documents as a tree of values that know where they were written. The TOML library itself is seen by
// toml.cc alone: it is slow to compile.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "daemon/config/configuration.h"
#include "mutual/error.h"

namespace mutual::config {

struct Node;
using NodeList = std::vector<Node>;
using NodeTable = std::map<std::string, Node, std::less<>>;

struct Node {
    Location key;  // of the key, or of the element in its list
    Location value;
    std::variant<NodeTable, NodeList, std::string, std::int64_t, double, bool> data;

    const NodeTable* table() const { return std::get_if<NodeTable>(&data); }
    const NodeList* list() const { return std::get_if<NodeList>(&data); }
};

// "a table", "a list", "a string", "an integer", "a number", "true or false".
std::string_view type_name(const Node& node);

// The document's root, a table. Dates and times are refused: no key of ours takes one; so are NULs in texts
// and keys.
Result<Node> parse_toml(std::string_view text, const std::string& file);

// Adds what `from` says, key by key, and lets it win.
void merge(Node& into, Node from);

// JSON text. Refuses infinite numbers.
Result<std::string> to_json(const Node& node);

// "file:line:column: key: what", as every error of the configuration is written.
Error error_at(const Location& where, const std::string& key, const std::string& what, std::string hint = {});

}  // namespace mutual::config
