// SPDX-License-Identifier: Apache-2.0
// What a single text of the configuration must look like. Each answers what is wrong, to be told with its
// place.
#pragma once

#include <string>
#include <vector>

#include "daemon/config/configuration.h"
#include "mutual/error.h"

namespace mutual::config {

Error wrong(std::string message, std::string hint = {});

// Of a section: 1 to 64 letters, digits, "-", "_" and "."; begins with a letter or digit.
Result<void> check_name(const std::string& name);
Result<void> check_absolute_path(const std::string& path);
Result<void> check_realm(const std::string& realm);
Result<void> check_service_class(const std::string& service_class);
Result<void> check_not_empty(const std::string& text);
// A path that fits into a Unix socket's address.
Result<void> check_socket_path(const std::string& path);
// Without "*".
Result<void> check_principal(const std::string& principal);
Result<void> check_address(const std::string& address);

Result<void> check_identity(const Configuration& configuration, const std::string& name);
// Exists, is of that kind, and is enabled.
Result<void> check_plugin(const Configuration& configuration, PluginKind kind, const std::string& name);
Result<void> check_service(const Configuration& configuration, const std::string& name);

}  // namespace mutual::config
