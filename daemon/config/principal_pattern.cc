// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/principal_pattern.h"

#include <algorithm>

#include "daemon/unit/text.h"

namespace mutual::config {
namespace {

// Reads a pattern octet by octet; what it says so far is in `components` and `realm`.
struct Reader {
    std::vector<ComponentPattern> components{{""}};
    std::string realm;
    bool in_realm = false;

    // Answers what is wrong, or null.
    const char* read(std::string_view text) {
        for (std::size_t i = 0; i < text.size(); ++i) {
            const bool escaped = text[i] == '\\';
            if (escaped && ++i == text.size()) return "ends in \"\\\"";
            if (const char* wrong = escaped ? literal(unescaped(text[i])) : plain(text[i])) return wrong;
        }
        if (realm.empty()) return "has no realm";
        const auto is_empty = [](const ComponentPattern& each) {
            return each.size() == 1 && each[0].empty();
        };
        return std::any_of(components.begin(), components.end(), is_empty) ? "has an empty component"
                                                                           : nullptr;
    }

private:
    static char unescaped(char c) {
        switch (c) {
            case 'n':
                return '\n';
            case 't':
                return '\t';
            case 'b':
                return '\b';
            case '0':
                return '\0';
            default:
                return c;
        }
    }
    const char* literal(char c) {
        (in_realm ? realm : components.back().back()).push_back(c);
        return nullptr;
    }
    const char* plain(char c) {
        if (in_realm && (c == '*' || c == '@'))
            return c == '*' ? "has a \"*\" in its realm" : "has two realms";
        if (c == '@') {
            in_realm = true;
        } else if (c == '/' && !in_realm) {
            components.push_back({""});
        } else if (c == '*') {
            components.back().emplace_back();
        } else {
            return literal(c);
        }
        return nullptr;
    }
};

// The first piece begins the text, the last one ends it, the others follow one another in between; taking the
// earliest place for each is enough.
bool matches_component(const ComponentPattern& pattern, std::string_view text) {
    const std::string& first = pattern.front();
    const std::string& last = pattern.back();
    if (pattern.size() == 1) return text == first;
    if (text.size() < first.size() + last.size() || !text.starts_with(first) || !text.ends_with(last))
        return false;
    text = text.substr(first.size(), text.size() - first.size() - last.size());
    for (std::size_t i = 1; i + 1 < pattern.size(); ++i) {
        const auto place = text.find(pattern[i]);
        if (place == std::string_view::npos) return false;
        text.remove_prefix(place + pattern[i].size());
    }
    return true;
}

}  // namespace

bool PrincipalPattern::is_exact() const {
    return std::all_of(components.begin(), components.end(),
                       [](const auto& each) { return each.size() == 1; });
}

Result<PrincipalPattern> parse_principal_pattern(std::string_view text) {
    Reader reader;
    if (const char* wrong = reader.read(text))
        return Error{Code::invalid_configuration, Stage::request,
                     "principal " + unit::shown(text) + " " + wrong,
                     R"(write it in full, as in "alice@EXAMPLE.ORG" or "host/*@EXAMPLE.ORG")"};
    return PrincipalPattern{std::string(text), std::move(reader.components), std::move(reader.realm)};
}

bool matches(const PrincipalPattern& pattern, const PrincipalParts& principal) {
    return pattern.realm == principal.realm &&
           std::equal(pattern.components.begin(), pattern.components.end(), principal.components.begin(),
                      principal.components.end(), matches_component);
}

}  // namespace mutual::config
