// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/keytab_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace mutual::keys {

namespace {

Error bad_file(const std::string& path, const std::string& complaint, std::string hint = {}) {
    return Error(Code::invalid_configuration, Stage::credentials, "use the keytab " + path + ": " + complaint,
                 std::move(hint));
}

std::string octal(mode_t mode) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "%04o", mode & 07777U);
    return text.data();
}

constexpr std::string_view passed = "/run/credentials/";
constexpr std::string_view passed_host_keytab = "/krb5.keytab";

}  // namespace

std::string cure_of(const std::string& path, std::string hint) {
    if (!path.starts_with(passed)) return hint;
    const std::string where =
        path.ends_with(passed_host_keytab)
            ? "join the host to its realm, or export its host/ key into /etc/krb5.keytab"
            : "export the keys into the file of which this is a copy";
    return where + "; then restart mutuald-keys, for the copy is made when it starts";
}

Result<KeytabFile> KeytabFile::open(const std::string& path) {
    if (!path.starts_with('/')) return bad_file(path, "it is not an absolute path");
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC));
    if (!fd && errno == ELOOP) return bad_file(path, "it is a symbolic link", "name the file itself");
    if (!fd)
        return bad_file(path, std::strerror(errno),
                        cure_of(path, "export the service's keys there, 0640, root:mutuald-keys"));
    struct stat status {};
    if (::fstat(fd.value(), &status) != 0) return bad_file(path, std::strerror(errno));
    if (!S_ISREG(status.st_mode)) return bad_file(path, "it is not a regular file");
    if (status.st_uid != 0 && status.st_uid != ::geteuid())
        return bad_file(path, "it is owned by uid " + std::to_string(status.st_uid), "chown it to root");
    if ((status.st_mode & (S_IRWXO | S_IWGRP)) != 0)
        return bad_file(path, "its mode is " + octal(status.st_mode), "chmod it to 0640, root:mutuald-keys");
    return KeytabFile(path, std::move(fd), status);
}

bool KeytabFile::is_unchanged(const KeytabFile& earlier) const {
    const auto same_time = [](const timespec& a, const timespec& b) {
        return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
    };
    return status_.st_dev == earlier.status_.st_dev && status_.st_ino == earlier.status_.st_ino &&
           status_.st_size == earlier.status_.st_size &&
           same_time(status_.st_mtim, earlier.status_.st_mtim) &&
           same_time(status_.st_ctim, earlier.status_.st_ctim);
}

std::string KeytabFile::name() const { return "FILE:/proc/self/fd/" + std::to_string(fd_.value()); }

Error KeytabFile::explained(Error error) const {
    const std::string said = name();
    for (std::size_t at = error.message.find(said); at != std::string::npos;
         at = error.message.find(said, at + path_.size()))
        error.message.replace(at, said.size(), path_);
    return error;
}

}  // namespace mutual::keys
