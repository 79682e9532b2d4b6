// SPDX-License-Identifier: Apache-2.0
#include "daemon/unit/hardening.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace mutual::unit {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr unsigned long dumpable = 1;
#else
constexpr unsigned long dumpable = 0;
#endif

Error failed(const char* what) {
    return {Code::internal, Stage::request,
            std::string(what) + ": " + std::generic_category().message(errno)};
}

Result<void> raise_open_files() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return failed("read the limit of open files");
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return failed("raise the limit of open files");
    return {};
}

}  // namespace

Result<void> harden() {
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_CORE, &none) != 0) return failed("forbid core dumps");
    if (::prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0) != 0)
        return failed("forbid inspection (PR_SET_DUMPABLE)");
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return failed("forbid new privileges (PR_SET_NO_NEW_PRIVS)");
    return raise_open_files();
}

}  // namespace mutual::unit
