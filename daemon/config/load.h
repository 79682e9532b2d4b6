// SPDX-License-Identifier: Apache-2.0
// Reads the configuration: mutuald.toml of each folder, then the drop-ins mutuald.toml.d/*.toml of all
// folders in the order of their names. Of drop-ins with the same name only that of the last folder counts (an
// empty one, or a symbolic link to /dev/null, masks the others). Tables are merged key by key and the later
// file wins; rules are appended.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/config/configuration.h"
#include "mutual/error.h"

namespace mutual::config {

struct ConfigurationPaths {
    std::vector<std::string> folders{"/usr/lib/mutuald", "/etc/mutuald", "/run/mutuald"};

    // The same folders below `root`, for tests and for looking at another system's files.
    static ConfigurationPaths below(const std::string& root);
};

// Either a configuration, or everything that is wrong with it (invalid_configuration; the message begins with
// "file:line:column: key: "). Asks the system for users and groups, so it may block: start-up and reload
// only.
struct Loaded {
    std::optional<Configuration> configuration;
    std::vector<Error> errors;
    std::string written;  // what the files say together, as JSON text of one object
};
Loaded load(const ConfigurationPaths& paths);

// The same for one file's text, named `file` in errors.
Loaded load_text(std::string_view text, const std::string& file);

}  // namespace mutual::config
