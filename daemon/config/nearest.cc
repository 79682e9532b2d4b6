// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/nearest.h"

#include <algorithm>
#include <numeric>

namespace mutual::config {
namespace {

std::string join(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text.append(text.empty() ? "" : ", ").append(name);
    return text;
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::vector<std::size_t> next(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        next[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            next[j] = std::min({replaced, row[j] + 1, next[j - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                next[j] = std::min(next[j], before[j - 2] + 1);
        }
        before.swap(row);
        row.swap(next);
    }
    return row[b.size()];
}

std::string suggestion(std::string_view name, const std::vector<std::string>& known) {
    if (known.empty()) return {};
    const auto closer = [name](const std::string& a, const std::string& b) {
        return edit_distance(name, a) < edit_distance(name, b);
    };
    const std::string& nearest = *std::min_element(known.begin(), known.end(), closer);
    const std::size_t tolerated = std::max<std::size_t>(2, nearest.size() / 3);
    if (edit_distance(name, nearest) <= std::min(tolerated, nearest.size() - 1))
        return "did you mean \"" + nearest + "\"?";
    return "known: " + join(known);
}

}  // namespace mutual::config
