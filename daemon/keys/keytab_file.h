// SPDX-License-Identifier: Apache-2.0
// An open keytab file whose owner and mode were checked: what is read is what was checked, whatever the path
// names later. libkrb5 reads it through its descriptor, for as long as this lives.
#pragma once

#include <sys/stat.h>

#include <string>

#include "mutual/error.h"
#include "varlink/unique_fd.h"

namespace mutual::keys {

// What a person can do about keys that the file at `path` lacks: `hint`, unless the path is that of a copy
// which systemd passes to this program (LoadCredential=), where nobody can put any.
std::string cure_of(const std::string& path, std::string hint);

class KeytabFile {
public:
    // Never waits. invalid_configuration, naming file and mode: not an absolute path, absent, a symbolic
    // link, not a regular file, owned by someone other than root and this program, readable by others, or
    // writable by more than its owner.
    static Result<KeytabFile> open(const std::string& path);

    const std::string& path() const { return path_; }
    // Whether both are the same file, and it was not written to in between.
    bool is_unchanged(const KeytabFile& earlier) const;
    // For libkrb5: type and name.
    std::string name() const;
    // With the path where libkrb5 said name().
    Error explained(Error error) const;

private:
    KeytabFile(std::string path, UniqueFd fd, const struct stat& status)
        : path_(std::move(path)), fd_(std::move(fd)), status_(status) {}

    std::string path_;
    UniqueFd fd_;
    struct stat status_;  // when it was opened
};

}  // namespace mutual::keys
