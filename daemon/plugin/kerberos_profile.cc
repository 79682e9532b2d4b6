// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin/kerberos_profile.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "varlink/unique_fd.h"

namespace mutual::plugin {
namespace {

constexpr std::string_view names_as_written =
    "[libdefaults]\n"
    "    dns_canonicalize_hostname = false\n"
    "    rdns = false\n";

}  // namespace

Result<void> take_names_as_written() {
    const auto failed = [] {
        return Error(Code::internal, Stage::discovery,
                     std::string("write the finder's Kerberos configuration: ") + std::strerror(errno));
    };
    UniqueFd file(::memfd_create("krb5.conf", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!file) return failed();
    const ssize_t written = ::write(file.value(), names_as_written.data(), names_as_written.size());
    if (written != static_cast<ssize_t>(names_as_written.size())) return failed();
    if (::fcntl(file.value(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
        return failed();
    const char* host_wide = std::getenv("KRB5_CONFIG");
    // Of several files the first that sets a value decides. It stays open as long as the process lives.
    const std::string list = "/proc/self/fd/" + std::to_string(file.release()) + ":" +
                             (host_wide == nullptr ? "/etc/krb5.conf" : host_wide);
    if (::setenv("KRB5_CONFIG", list.c_str(), 1) != 0) return failed();
    return {};
}

}  // namespace mutual::plugin
