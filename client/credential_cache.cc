// SPDX-License-Identifier: Apache-2.0
#include "client/credential_cache.h"

#include <filesystem>

namespace mutual::client {

std::string absolute_cache(const std::string& name) {
    const std::size_t colon = name.find(':');
    const std::string type = colon == std::string::npos ? "" : name.substr(0, colon + 1);
    const std::string path = name.substr(type.size());
    if (!(type.empty() || type == "FILE:" || type == "DIR:") || path.empty() || path.front() == ':')
        return name;
    return type + std::filesystem::absolute(path).string();
}

}  // namespace mutual::client
