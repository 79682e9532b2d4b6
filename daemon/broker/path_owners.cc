// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/path_owners.h"

#include <sys/stat.h>

namespace mutual::broker {

namespace {

Error foreign(const std::string& path, const std::string& why) {
    return {Code::unavailable, Stage::delivery,
            path + " " + why + ": somebody else may have put a socket there",
            "let only root and the server's user own and write the folders of the socket"};
}

}  // namespace

Result<void> check_owners(const std::string& path, uid_t owner) {
    for (std::size_t slash = 0; slash != std::string::npos;) {
        slash = path.find('/', slash + 1);
        const std::string part = path.substr(0, slash);
        struct stat status {};
        if (::lstat(part.c_str(), &status) != 0) return {};
        const bool is_last = slash == std::string::npos;
        if (status.st_uid != 0 && status.st_uid != owner)
            return foreign(part, "belongs to uid " + std::to_string(status.st_uid));
        if (is_last && !S_ISSOCK(status.st_mode)) return foreign(part, "is not a socket");
        if (S_ISDIR(status.st_mode) && (status.st_mode & S_IWOTH) != 0 && (status.st_mode & S_ISVTX) == 0)
            return foreign(part, "is writable by everyone");
    }
    return {};
}

}  // namespace mutual::broker
