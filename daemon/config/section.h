// SPDX-License-Identifier: Apache-2.0
// One table of the configuration while it is read: each key is read once into its field, whose initializer is
// the default; what is wrong is added to a list with its place. finish() reports the keys that nobody read.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "daemon/config/tree.h"

namespace mutual::config {

class Section {
public:
    using Errors = std::vector<Error>;
    // What is wrong with a text: message and hint of the error are used.
    using Check = std::function<Result<void>(const std::string&)>;

    // `path`: "service.ledger"; empty for the root. `node` must be a table, or the section reads as empty.
    Section(const Node& node, std::string path, Errors& errors);

    // Each answers whether the key was there and good, and changes the field only then.
    bool text(const std::string& key, std::string& field, const Check& check = {});
    bool texts(const std::string& key, std::vector<std::string>& field, const Check& check = {});
    // Calls `check`, which keeps what it likes, for each text of a list.
    bool each(const std::string& key, const Check& check);
    bool boolean(const std::string& key, bool& field);
    template <class Integer>
    bool integer(const std::string& key, Integer& field, std::int64_t least, std::int64_t most);
    bool integers(const std::string& key, std::vector<std::uint32_t>& field, std::int64_t least,
                  std::int64_t most);
    // A number, or a name of one, which `look_up` finds.
    bool number_or_name(const std::string& key, std::uint32_t& field, std::int64_t least, std::int64_t most,
                        const std::function<Result<std::uint32_t>(const std::string&)>& look_up);
    template <class Duration>
    bool duration(const std::string& key, Duration& field, std::chrono::milliseconds least,
                  std::chrono::milliseconds most);
    template <class Enum>
    bool choice(const std::string& key, Enum& field,
                std::initializer_list<std::pair<const char*, Enum>> values);
    // A table as JSON text.
    bool json(const std::string& key, std::string& field);
    // The table of that key, or null.
    const Node* table(const std::string& key);
    const Node* list(const std::string& key);

    // Reports that the key is missing, if it is. Read the key too.
    void require(const std::string& key, const std::string& why = {});
    // Reports that the key has no meaning here, if it is there.
    void refuse(const std::string& key, const std::string& why);
    void complain(const std::string& key, const std::string& what, const std::string& hint = {});
    void finish();

    bool has(const std::string& key) const { return find(key) != nullptr; }
    // "service.ledger.port"; of an empty key: the section's own.
    std::string path_of(const std::string& key) const;
    const Location& where() const { return node_.key; }
    Errors& errors() { return errors_; }

private:
    const Node* find(const std::string& key) const;
    // The node of the key, which counts as read from now on.
    const Node* take(const std::string& key);
    template <class T>
    const T* take_as(const std::string& key, const char* wanted);
    bool passes(const std::string& key, const Node& node, const Check& check);
    void complain_at(const Location& where, const std::string& key, const std::string& what,
                     const std::string& hint = {});
    bool integer_between(const std::string& key, std::int64_t& field, std::int64_t least, std::int64_t most);
    bool duration_between(const std::string& key, std::chrono::milliseconds& field,
                          std::chrono::milliseconds least, std::chrono::milliseconds most);
    bool choice_index(const std::string& key, std::size_t& index, const std::vector<std::string>& names);

    const Node& node_;
    std::string path_;
    Errors& errors_;
    std::vector<std::string> known_;
};

template <class Integer>
bool Section::integer(const std::string& key, Integer& field, std::int64_t least, std::int64_t most) {
    std::int64_t value = 0;
    if (!integer_between(key, value, least, most)) return false;
    field = static_cast<Integer>(value);
    return true;
}

template <class Duration>
bool Section::duration(const std::string& key, Duration& field, std::chrono::milliseconds least,
                       std::chrono::milliseconds most) {
    std::chrono::milliseconds value{};
    if (!duration_between(key, value, least, most)) return false;
    field = std::chrono::ceil<Duration>(value);
    return true;
}

template <class Enum>
bool Section::choice(const std::string& key, Enum& field,
                     std::initializer_list<std::pair<const char*, Enum>> values) {
    std::vector<std::string> names;
    for (const auto& [name, value] : values) names.emplace_back(name);
    std::size_t index = 0;
    if (!choice_index(key, index, names)) return false;
    field = (values.begin() + index)->second;
    return true;
}

}  // namespace mutual::config
