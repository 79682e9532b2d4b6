// SPDX-License-Identifier: Apache-2.0
// A table of text for people: columns as wide as they must be, two spaces between, nothing at the end of a
// line.
#pragma once

#include <string>
#include <vector>

namespace mutual::ctl {

enum class Align { left, right };

class Table {
public:
    struct Column {
        std::string title;
        Align align = Align::left;
    };

    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    // As many cells as columns; an empty one is shown as "-".
    void row(const std::vector<std::string>& cells);
    std::size_t rows() const { return rows_.size(); }
    std::string text(bool with_titles, std::size_t indent = 0) const;

private:
    std::string line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths,
                     std::size_t indent) const;

    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace mutual::ctl
