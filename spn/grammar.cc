// SPDX-License-Identifier: Apache-2.0
// The text form of an SPN: writing, reading, comparing.
#include <algorithm>

#include "spn/part.h"

namespace mutual {
namespace {

char folded(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

Error too_long() { return spn_error("SPN is longer than " + std::to_string(max_spn) + " octets"); }

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> parts;
    for (;;) {
        const auto slash = text.find('/');
        parts.push_back(text.substr(0, slash));
        if (slash == std::string_view::npos) return parts;
        text.remove_prefix(slash + 1);
    }
}

}  // namespace

Result<std::string> to_text(const Spn& spn) {
    if (auto good = check_parts(spn); !good) return std::move(good).error();
    std::string text = spn.service_class + '/' + spn.host;
    if (spn.port != 0) text += ':' + std::to_string(spn.port);
    if (!spn.instance.empty()) text += ':' + spn.instance;
    if (!spn.service_name.empty()) text += '/' + spn.service_name;
    if (text.size() > max_spn) return too_long();
    return text;
}

Result<Spn> parse_spn(std::string_view text) {
    if (text.size() > max_spn) return too_long();
    const auto parts = split(text);
    if (parts.size() < 2 || parts.size() > 3)
        return spn_error("SPN has " + std::to_string(parts.size()) + (parts.size() == 1 ? " part" : " parts"),
                         "write class/host[:port] or class/host[:port]/service-name");
    Spn spn;
    spn.service_class = parts[0];
    if (auto good = split_host(parts[1], spn); !good) return std::move(good).error();
    if (parts.size() == 3) {
        if (parts[2].empty()) return spn_error("third part is empty");
        spn.service_name = parts[2];
    }
    if (auto good = check_parts(spn); !good) return std::move(good).error();
    return spn;
}

Result<CrackedSpn> crack_spn(std::string_view text) {
    auto spn = parse_spn(text);
    if (!spn) return std::move(spn).error();
    if (!spn->instance.empty())
        return spn_error("port is not numeric", "this view of an SPN knows ports only");
    return CrackedSpn{spn->service_class, spn->service_name.empty() ? spn->host : spn->service_name,
                      spn->host, spn->port};
}

bool same_spn(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return folded(x) == folded(y); });
}

}  // namespace mutual
