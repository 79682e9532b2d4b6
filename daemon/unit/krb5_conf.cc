// SPDX-License-Identifier: Apache-2.0
#include "daemon/unit/krb5_conf.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

namespace mutual::unit {

Result<void> overrule_krb5_conf(std::string_view text) {
    const auto failed = [] {
        return Error(Code::internal, Stage::credentials,
                     std::string("write our part of the Kerberos configuration: ") + std::strerror(errno));
    };
    // It stays open as long as the process lives: libkrb5 opens it by name.
    const int file = ::memfd_create("krb5.conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0 || ::write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return failed();
    if (::fcntl(file, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
        return failed();
    const char* host_wide = std::getenv("KRB5_CONFIG");
    // Of several files the first that sets a value decides.
    const std::string list =
        "/proc/self/fd/" + std::to_string(file) + ":" + (host_wide == nullptr ? "/etc/krb5.conf" : host_wide);
    if (::setenv("KRB5_CONFIG", list.c_str(), 1) != 0) return failed();
    return {};
}

}  // namespace mutual::unit
