// SPDX-License-Identifier: Apache-2.0
// Which files make up the configuration, and their text.
#pragma once

#include <string>
#include <vector>

#include "daemon/config/load.h"

namespace mutual::config {

// In the order in which they are read. What cannot be looked at is added to `errors`.
std::vector<std::string> configuration_files(const ConfigurationPaths& paths, std::vector<Error>& errors);

// The text of every file in that order, each below a line with its path; of one that does not count only that
// line, which says why.
std::string concatenated(const ConfigurationPaths& paths, std::vector<Error>& errors);

// A regular file of at most 1 MiB that not everyone can write.
Result<std::string> read_text(const std::string& file);

}  // namespace mutual::config
