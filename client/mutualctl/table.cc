// SPDX-License-Identifier: Apache-2.0
#include "client/mutualctl/table.h"

#include <algorithm>

#include "client/printable.h"

namespace mutual::ctl {

using client::columns;
using client::printable;

void Table::row(const std::vector<std::string>& cells) {
    auto& row = rows_.emplace_back();
    for (const auto& cell : cells) row.push_back(cell.empty() ? "-" : printable(cell));
    row.resize(columns_.size(), "-");
}

std::string Table::line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths,
                        std::size_t indent) const {
    std::string text(indent, ' ');
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string padding(widths[i] - columns(cells[i]), ' ');
        if (i > 0) text.append("  ");
        text.append(columns_[i].align == Align::right ? padding + cells[i] : cells[i] + padding);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text + "\n";
}

std::string Table::text(bool with_titles, std::size_t indent) const {
    std::vector<std::string> titles;
    for (const auto& column : columns_) titles.push_back(column.title);
    std::vector<std::size_t> widths(columns_.size(), 0);
    const auto widen = [&widths](const std::vector<std::string>& cells) {
        for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], columns(cells[i]));
    };
    if (with_titles) widen(titles);
    for (const auto& row : rows_) widen(row);
    std::string text = with_titles ? line(titles, widths, indent) : std::string();
    for (const auto& row : rows_) text += line(row, widths, indent);
    return text;
}

}  // namespace mutual::ctl
