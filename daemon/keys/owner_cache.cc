// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/owner_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "daemon/keys/kerberos_error.h"

namespace mutual::keys {

namespace {

constexpr const char* kinds_hint = "use a FILE, DIR, KCM or KEYRING:persistent credential cache";
constexpr const char* kinit_hint = "run kinit to get a ticket, or name the credential cache that holds one";

Error refused(Code code, const std::string& name, const std::string& why, const char* hint) {
    return Error(code, Stage::credentials, "open the credential cache " + name + ": " + why, hint);
}

Error unusable(const std::string& name, const std::string& why) {
    return refused(Code::no_credentials, name, why, kinit_hint);
}

// A regular file of ours. A FIFO or device does not hold us up; a symbolic link is not followed.
Result<UniqueFd> open_regular(int folder, const std::string& path, const std::string& name) {
    UniqueFd file(::openat(folder, path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!file && errno == ELOOP) return unusable(name, path + " is a symbolic link");
    if (!file) return unusable(name, std::strerror(errno));
    struct stat status {};
    if (::fstat(file.value(), &status) != 0) return unusable(name, std::strerror(errno));
    if (!S_ISREG(status.st_mode)) return unusable(name, path + " is not a regular file");
    if (status.st_uid != ::geteuid())
        return unusable(name, path + " belongs to uid " + std::to_string(status.st_uid));
    return file;
}

Result<OwnerCache> resolve(krb5_context context, const std::string& krb5_name, std::string name,
                           UniqueFd file) {
    Krb5Cache cache(context);
    if (const auto code = krb5_cc_resolve(context, krb5_name.c_str(), cache.out()))
        return krb5_failure(Stage::credentials, "open the credential cache " + name, context, code,
                            Code::no_credentials);
    return OwnerCache{std::move(file), std::move(cache), std::move(name)};
}

Result<OwnerCache> resolve_file(krb5_context context, Result<UniqueFd> file, std::string name) {
    if (!file) return std::move(file).error();
    const std::string path = "FILE:/proc/self/fd/" + std::to_string(file->value());
    return resolve(context, path, std::move(name), std::move(*file));
}

// The file name inside a DIR collection that its file `primary` names.
Result<std::string> primary_of(int folder, const std::string& name) {
    if (::faccessat(folder, "primary", F_OK, AT_SYMLINK_NOFOLLOW) != 0) return std::string("tkt");
    auto file = open_regular(folder, "primary", name);
    if (!file) return std::move(file).error();
    std::array<char, 256> text{};
    const ssize_t got = ::read(file->value(), text.data(), text.size());
    std::string primary(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    primary = primary.substr(0, primary.find('\n'));
    if (!primary.starts_with("tkt") || primary.find('/') != std::string::npos)
        return unusable(name, "its file primary names no cache");
    return primary;
}

Result<OwnerCache> open_folder(krb5_context context, const std::string& path, std::string name) {
    const UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) return unusable(name, std::strerror(errno));
    struct stat status {};
    if (::fstat(folder.value(), &status) != 0) return unusable(name, std::strerror(errno));
    if (status.st_uid != ::geteuid())
        return unusable(name, path + " belongs to uid " + std::to_string(status.st_uid));
    auto primary = primary_of(folder.value(), name);
    if (!primary) return std::move(primary).error();
    auto file = open_regular(folder.value(), *primary, name);
    return resolve_file(context, std::move(file), std::move(name));
}

bool is_own_persistent_keyring(const std::string& residual) {
    const std::string own = "persistent:" + std::to_string(::geteuid());
    return residual == own || residual.starts_with(own + ":");
}

Result<OwnerCache> open_of_kind(krb5_context context, const std::string& kind, const std::string& residual,
                                const std::string& name) {
    const bool in_folder = kind == "DIR" && residual.starts_with(':');  // one cache of a collection
    const std::string path = in_folder ? residual.substr(1) : residual;
    if ((kind == "FILE" || kind == "DIR") && !path.starts_with('/'))
        return refused(Code::invalid_request, name, "its path is not absolute", "give the whole path");
    if (kind == "FILE" || in_folder) return resolve_file(context, open_regular(AT_FDCWD, path, name), name);
    if (kind == "DIR") return open_folder(context, path, name);
    if (kind == "KCM") return resolve(context, name, name, UniqueFd());
    if (kind == "KEYRING" && is_own_persistent_keyring(residual))
        return resolve(context, name, name, UniqueFd());
    if (kind == "KEYRING" && residual.starts_with("persistent:"))
        return refused(Code::invalid_request, name, "it belongs to another uid", kinds_hint);
    if (kind == "KEYRING")
        return refused(Code::invalid_request, name, "such a keyring can only be read inside its own session",
                       kinds_hint);
    if (kind == "MEMORY")
        return refused(Code::invalid_request, name, "it exists only inside its own process", kinds_hint);
    return refused(Code::invalid_request, name, "this kind of cache is not supported", kinds_hint);
}

}  // namespace

bool OwnerCache::has_room() const {
    constexpr unsigned long long enough = 256 * 1024;  // for a large ticket, and what others write meanwhile
    struct statvfs disk {};
    if (!file || ::fstatvfs(file.value(), &disk) != 0 || disk.f_blocks == 0)
        return true;  // no file, or no bound
    return static_cast<unsigned long long>(disk.f_bavail) * disk.f_frsize >= enough;
}

Result<OwnerCache> open_owner_cache(krb5_context context, std::string name) {
    if (name.empty()) {
        const char* own = krb5_cc_default_name(context);
        if (own == nullptr)
            return Error(Code::invalid_configuration, Stage::credentials,
                         "find the default credential cache: the Kerberos configuration names none",
                         "correct default_ccache_name in krb5.conf");
        name = own;
    }
    const std::size_t colon = name.find(':');
    if (colon == std::string::npos) return open_of_kind(context, "FILE", name, name);
    return open_of_kind(context, name.substr(0, colon), name.substr(colon + 1), name);
}

}  // namespace mutual::keys
