// SPDX-License-Identifier: Apache-2.0
// [service.NAME.rpc] and [service.NAME.accept.rpc]: a service that is a program of ONC RPC.
#include <netdb.h>

#include <algorithm>
#include <array>

#include "daemon/config/read.h"
#include "daemon/unit/account.h"
#include "daemon/unit/text.h"

namespace mutual::config {
namespace {

constexpr std::int64_t highest = 0xffffffffLL;
constexpr std::int64_t largest_record = 64LL << 20;
constexpr std::size_t most_gids = 16;  // of AUTH_SYS (RFC 5531 appendix A)

// By /etc/rpc, or whatever nsswitch.conf says of "rpc".
Result<std::uint32_t> program_of(const std::string& name) {
    rpcent storage{};
    rpcent* entry = nullptr;
    std::array<char, 4096> room{};
    if (::getrpcbyname_r(name.c_str(), &storage, room.data(), room.size(), &entry) == 0 && entry != nullptr)
        return static_cast<std::uint32_t>(entry->r_number);
    return wrong("names no RPC program: " + unit::shown(name),
                 "write its number, or add the name to /etc/rpc");
}

Result<LocalUser> local_user(const std::string& name) {
    auto account = unit::find_user(name);
    if (!account) return account.error();
    if (account->gid == static_cast<gid_t>(-1))
        return wrong("there is no user " + unit::shown(name), "a number alone has no group");
    LocalUser user{account->uid, account->gid, unit::groups_of(*account)};
    std::erase(user.gids, user.gid);
    if (user.gids.size() > most_gids) user.gids.resize(most_gids);
    return user;
}

void read_users(Section& rpc_section, AcceptRpc& rpc) {
    const Node* node = rpc_section.table("users");
    if (node == nullptr) return;
    Section section(*node, rpc_section.path_of("users"), rpc_section.errors());
    for (const auto& [principal, value] : *node->table()) {
        if (const auto good = check_principal(principal); !good)
            section.complain(principal, good.error().message, good.error().hint);
        std::string ignored;
        section.text(principal, ignored, [&, &key = principal](const std::string& name) -> Result<void> {
            auto user = local_user(name);
            if (!user) return user.error();
            rpc.users[key] = std::move(*user);
            return {};
        });
    }
    section.finish();
}

}  // namespace

void read_rpc(Section& service_section, Service& service) {
    const Node* node = service_section.table("rpc");
    if (node == nullptr) return;
    Section section(*node, service_section.path_of("rpc"), service_section.errors());
    Rpc& rpc = service.rpc.emplace();
    section.require("program", "its number, or its name in /etc/rpc");
    section.number_or_name("program", rpc.program, 1, highest, program_of);
    section.require("versions", "of the program, as in [1, 2]");
    if (section.integers("versions", rpc.versions, 0, highest)) {
        std::ranges::sort(rpc.versions);
        if (rpc.versions.empty() || std::ranges::adjacent_find(rpc.versions) != rpc.versions.end())
            section.complain("versions", rpc.versions.empty() ? "must not be empty" : "names one twice");
        if (rpc.versions.size() > 64) section.complain("versions", "names more than 64");
    }
    section.choice("protection", rpc.protection,
                   {{"privacy", RpcProtection::privacy},
                    {"integrity", RpcProtection::integrity},
                    {"none", RpcProtection::none}});
    section.integer("max_record", rpc.max_record, 4096, largest_record);
    section.finish();
}

void read_accept_rpc(Section& accept_section, AcceptRpc& rpc) {
    const Node* node = accept_section.table("rpc");
    if (node == nullptr) return;
    Section section(*node, accept_section.path_of("rpc"), accept_section.errors());
    section.boolean("register", rpc.is_registered);
    section.choice("credential", rpc.credential,
                   {{"sys", RpcCredential::sys}, {"none", RpcCredential::none}});
    read_users(section, rpc);
    if (rpc.credential == RpcCredential::none)
        section.refuse("users", "has a meaning only where credential = \"sys\"");
    section.finish();
}

std::string rpc_options(const Service& service) {
    static constexpr std::array<const char*, 3> protections{"none", "integrity", "privacy"};
    const Rpc& rpc = *service.rpc;
    std::string versions;
    for (const std::uint32_t version : rpc.versions)
        versions.append(versions.empty() ? "" : ",").append(std::to_string(version));
    std::string options = "{\"program\":" + std::to_string(rpc.program) + ",\"versions\":[" + versions + "]";
    options.append(",\"service\":\"").append(protections.at(static_cast<std::size_t>(rpc.protection)));
    options.append("\",\"max_record\":" + std::to_string(rpc.max_record));
    if (service.accept && service.accept->rpc.credential == RpcCredential::none)
        options.append(",\"credential\":\"none\"");
    return options + "}";
}

}  // namespace mutual::config
