// SPDX-License-Identifier: Apache-2.0
// Between SPNs and the text form of krb5 principals. Our own escaper: krb5_parse_name drops the backslash of
// an escape that it does not know, so a DN's `\,` would silently become `,` on its way to the KDC.
#include <algorithm>
#include <optional>

#include "spn/part.h"

namespace mutual {
namespace {

void append_escaped(std::string& text, std::string_view component) {
    for (const char c : component) {
        if (c == '\\' || c == '@' || c == '/') text += '\\';
        text += c;
    }
}

// Realms in domain style (RFC 4120, 6.1): no other kind needs an escape or is in use.
bool is_realm(std::string_view realm) {
    return !realm.empty() && std::all_of(realm.begin(), realm.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
               c == '-' || c == '_';
    });
}

// What krb5_unparse_name means by a character after a backslash.
std::optional<char> unescaped(char c) {
    switch (c) {
        case '\\':
        case '/':
        case '@':
            return c;
        case 'n':
            return '\n';
        case 't':
            return '\t';
        case 'b':
            return '\b';
        case '0':
            return '\0';
        default:
            return std::nullopt;
    }
}

class PrincipalReader {
public:
    explicit PrincipalReader(std::string_view text) : text_(text) {}

    Result<PrincipalParts> read() {
        while (position_ < text_.size())
            if (auto good = read_one(); !good) return std::move(good).error();
        if (!in_realm_) return spn_error("principal has no realm", "write name@REALM");
        parts_.realm = std::move(current_);
        return std::move(parts_);
    }

private:
    Result<void> read_one() {
        const char c = text_[position_++];
        if (c == '\\') return read_escape();
        if (c == '/' || c == '@') return end_component(c);
        current_ += c;
        return {};
    }

    Result<void> read_escape() {
        const auto c = position_ < text_.size() ? unescaped(text_[position_++]) : std::nullopt;
        if (!c)
            return spn_error("principal holds an unknown escape",
                             "double a backslash that belongs to the name");
        current_ += *c;
        return {};
    }

    Result<void> end_component(char separator) {
        if (in_realm_) return spn_error("principal holds an unescaped separator in its realm");
        parts_.components.push_back(std::exchange(current_, {}));
        in_realm_ = separator == '@';
        return {};
    }

    std::string_view text_;
    std::size_t position_ = 0;
    bool in_realm_ = false;
    std::string current_;
    PrincipalParts parts_;
};

}  // namespace

Result<std::string> to_principal(const Spn& spn, std::string_view realm) {
    if (!is_realm(realm))
        return spn_error("realm is not a name of letters, digits, \".\", \"-\" and \"_\"",
                         "an SPN's realm is named in the configuration");
    auto checked = to_text(spn);
    if (!checked) return checked;
    std::string text;
    append_escaped(text, spn.service_class);
    text += '/';
    append_escaped(text, spn.host);
    if (spn.port != 0) text += ':' + std::to_string(spn.port);
    if (!spn.instance.empty()) append_escaped(text.append(":"), spn.instance);
    if (!spn.service_name.empty()) append_escaped(text.append("/"), spn.service_name);
    return text.append("@").append(realm);
}

Result<PrincipalParts> parse_principal(std::string_view text) { return PrincipalReader{text}.read(); }

Result<Spn> spn_of_principal(std::string_view text) {
    auto parts = parse_principal(text);
    if (!parts) return std::move(parts).error();
    std::string joined;
    for (const auto& component : parts->components) {
        if (component.find('/') != std::string::npos)
            return spn_error("component of the principal holds \"/\"", "such a principal is not an SPN");
        joined.append(component).append("/");
    }
    joined.pop_back();
    return parse_spn(joined);
}

bool same_principal(std::string_view a, std::string_view b) {
    const Result<PrincipalParts> left = parse_principal(a);
    const Result<PrincipalParts> right = parse_principal(b);
    return left && right && left->components == right->components && left->realm == right->realm;
}

}  // namespace mutual
