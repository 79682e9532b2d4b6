// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/sealed_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mutual::keys {

namespace {

constexpr int all_seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

Error failed(const char* doing) {
    return Error(Code::internal, Stage::credentials, std::string(doing) + ": " + std::strerror(errno));
}

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

bool read_all(int fd, Secret& secret) {
    std::size_t done = 0;
    while (done < secret.size()) {
        const ssize_t got = ::pread(fd, secret.data() + done, secret.size() - done, static_cast<off_t>(done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        done += static_cast<std::size_t>(got);
    }
    return true;
}

}  // namespace

Result<UniqueFd> seal(std::string_view secret) {
    if (secret.size() > max_sealed)
        return Error(Code::limit, Stage::credentials, "seal a secret: it is larger than 256 KiB");
    UniqueFd file(::memfd_create("mutuald-keys", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!file) return failed("make a memory file");
    if (!write_all(file.value(), secret)) return failed("write a memory file");
    if (::fcntl(file.value(), F_ADD_SEALS, all_seals) != 0) return failed("seal a memory file");
    return file;
}

Result<Secret> unseal(int fd) {
    const int seals = ::fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & all_seals) != all_seals)
        return Error(Code::protocol, Stage::credentials,
                     "read a memory file: it is not a sealed memory file");
    struct stat status {};
    if (::fstat(fd, &status) != 0) return failed("read a memory file");
    if (status.st_size <= 0 || static_cast<std::size_t>(status.st_size) > max_sealed)
        return Error(Code::protocol, Stage::credentials,
                     "read a memory file: it is empty or larger than 256 KiB");
    Secret secret(static_cast<std::size_t>(status.st_size));
    if (!read_all(fd, secret)) return failed("read a memory file");
    return secret;
}

}  // namespace mutual::keys
