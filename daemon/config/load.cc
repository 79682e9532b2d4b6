// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/load.h"

#include <iterator>

#include "daemon/config/files.h"
#include "daemon/config/read.h"

namespace mutual::config {
namespace {

// Rules of several files are joined, everything else is merged key by key.
void add_file(Node& root, Node file) {
    auto& from = std::get<NodeTable>(file.data);
    auto& into = std::get<NodeTable>(root.data);
    const auto old_rules = into.find("rule");
    const auto new_rules = from.find("rule");
    if (old_rules != into.end() && new_rules != from.end()) {
        auto* before = std::get_if<NodeList>(&old_rules->second.data);
        auto* after = std::get_if<NodeList>(&new_rules->second.data);
        if (before != nullptr && after != nullptr) {
            std::move(after->begin(), after->end(), std::back_inserter(*before));
            from.erase(new_rules);
        }
    }
    merge(root, std::move(file));
}

// FNV-1a: it tells two programs whether they read the same, and protects from nothing.
void add_to_fingerprint(std::uint64_t& hash, std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    hash = (hash ^ 0xffU) * 0x100000001b3U;
}

Loaded build(const Node& root, std::vector<std::string> files, std::uint64_t fingerprint) {
    Loaded loaded;
    Configuration configuration;
    configuration.fingerprint = std::to_string(fingerprint);
    if (Result<std::string> written = to_json(root))
        loaded.written = std::move(*written);
    else
        loaded.errors.push_back(written.error());
    configuration.files = std::move(files);
    Section section(root, "", loaded.errors);
    read_daemon(section, configuration);
    read_identities(section, configuration);
    read_plugins(section, configuration);
    read_services(section, configuration);
    read_rules(section, configuration);
    section.finish();
    if (loaded.errors.empty()) loaded.configuration = std::move(configuration);
    return loaded;
}

Result<Node> read_file(const std::string& file, std::uint64_t& fingerprint) {
    const auto text = read_text(file);
    if (!text) return text.error();
    add_to_fingerprint(fingerprint, file);
    add_to_fingerprint(fingerprint, *text);
    return parse_toml(*text, file);
}

}  // namespace

ConfigurationPaths ConfigurationPaths::below(const std::string& root) {
    ConfigurationPaths paths;
    for (std::string& folder : paths.folders) folder.insert(0, root);
    return paths;
}

Loaded load(const ConfigurationPaths& paths) {
    Loaded failed;
    const std::vector<std::string> files = configuration_files(paths, failed.errors);
    Node root{{}, {}, NodeTable{}};
    std::uint64_t fingerprint = 0xcbf29ce484222325U;
    for (const std::string& file : files) {
        auto tree = read_file(file, fingerprint);
        if (tree)
            add_file(root, std::move(*tree));
        else
            failed.errors.push_back(std::move(tree).error());
    }
    return failed.errors.empty() ? build(root, files, fingerprint) : failed;
}

Loaded load_text(std::string_view text, const std::string& file) {
    auto root = parse_toml(text, file);
    if (!root) {
        Loaded failed;
        failed.errors.push_back(root.error());
        return failed;
    }
    return build(*root, {file}, 0);
}

}  // namespace mutual::config
