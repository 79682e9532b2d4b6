// SPDX-License-Identifier: Apache-2.0
#include "daemon/unit/account.h"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <system_error>
#include <vector>

#include "daemon/unit/text.h"

namespace mutual::unit {
namespace {

// Calls one of the getpw*_r and getgr*_r functions with a buffer that is large enough. Answers errno, or 0;
// `entry` is null where there is none.
template <class Entry, class Lookup>
int look_up(Entry& storage, Entry*& entry, std::vector<char>& buffer, Lookup lookup) {
    buffer.resize(4096);
    while (true) {
        const int failure = lookup(&storage, buffer.data(), buffer.size(), &entry);
        if (failure != ERANGE || buffer.size() > (1U << 20)) return failure;
        buffer.resize(buffer.size() * 2);
    }
}

std::optional<unsigned> number(const std::string& text) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    if (value == static_cast<unsigned>(-1)) return std::nullopt;
    return value;
}

// Some of these mean "there is none" (getpwnam(3)).
bool means_absent(int failure) {
    return failure == 0 || failure == ENOENT || failure == ESRCH || failure == EBADF || failure == EPERM;
}

Error no_such(const char* kind, const std::string& name, int failure) {
    if (means_absent(failure))
        return {Code::invalid_configuration, Stage::request,
                std::string("look up ") + kind + " " + shown(name) + ": there is none",
                std::string("create it, or correct the name of the ") + kind};
    return {
        Code::unavailable, Stage::request,
        std::string("look up ") + kind + " " + shown(name) + ": " + std::generic_category().message(failure)};
}

}  // namespace

Result<Account> find_user(const std::string& name_or_uid) {
    passwd storage{};
    passwd* entry = nullptr;
    std::vector<char> buffer;
    const auto uid = number(name_or_uid);
    const int failure =
        look_up(storage, entry, buffer, [&](auto* out, char* room, std::size_t size, auto** found) {
            return uid ? ::getpwuid_r(*uid, out, room, size, found)
                       : ::getpwnam_r(name_or_uid.c_str(), out, room, size, found);
        });
    if (entry != nullptr) return Account{entry->pw_name, entry->pw_uid, entry->pw_gid};
    if (uid) return Account{name_or_uid, *uid, static_cast<gid_t>(-1)};
    return no_such("user", name_or_uid, failure);
}

Result<gid_t> find_group(const std::string& name_or_gid) {
    if (const auto gid = number(name_or_gid)) return gid_t{*gid};
    group storage{};
    group* entry = nullptr;
    std::vector<char> buffer;
    const int failure =
        look_up(storage, entry, buffer, [&](auto* out, char* room, std::size_t size, auto** found) {
            return ::getgrnam_r(name_or_gid.c_str(), out, room, size, found);
        });
    if (entry != nullptr) return gid_t{entry->gr_gid};
    return no_such("group", name_or_gid, failure);
}

std::vector<gid_t> groups_of(const Account& account) {
    std::vector<gid_t> groups(64);
    for (;;) {
        int count = static_cast<int>(groups.size());
        const bool fits = ::getgrouplist(account.name.c_str(), account.gid, groups.data(), &count) >= 0;
        const bool is_absurd = count > 65536;  // more than the kernel lets anyone have
        groups.resize(static_cast<std::size_t>(count));
        if (fits || is_absurd) return groups;
    }
}

std::string user_name(uid_t uid) {
    const auto account = find_user(std::to_string(uid));
    return account ? account->name : std::to_string(uid);
}

bool is_member(gid_t group, gid_t primary, std::span<const gid_t> supplementary) {
    return group == primary ||
           std::find(supplementary.begin(), supplementary.end(), group) != supplementary.end();
}

}  // namespace mutual::unit
