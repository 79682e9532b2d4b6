// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin/rpc_registration.h"

#include <unistd.h>

#include <algorithm>

#include "daemon/plugin/rpcbind.h"
#include "daemon/unit/text.h"
#include "wire/universal_address.h"

namespace mutual::plugin {
namespace {

using wire::RpcbindEntry;
using wire::RpcbindProcedure;
using Entries = std::vector<RpcbindEntry>;

// As rpcbind writes it.
std::string our_name() {
    const uid_t uid = ::geteuid();
    return uid == 0 ? "superuser" : std::to_string(uid);
}

Entries entries_of(const RpcRegistration& registration) {
    Entries entries;
    const auto add = [&](std::uint32_t version, const char* netid, const std::string& address) {
        const auto place = wire::to_text(wire::UniversalAddress{address, registration.port});
        entries.push_back({registration.program, version, netid, place, our_name()});
    };
    const bool is_ipv6 = wire::is_ipv6(registration.address);
    for (const std::uint32_t version : registration.versions) {
        if (!is_ipv6) add(version, "tcp", registration.address);
        if (is_ipv6 && wire::is_wildcard(registration.address)) add(version, "tcp", "0.0.0.0");
        if (is_ipv6) add(version, "tcp6", registration.address);
    }
    return entries;
}

// The local rpcbind, by the newest version that it knows.
class LocalRpcbind {
public:
    explicit LocalRpcbind(Rpcbind rpcbind) : rpcbind_(std::move(rpcbind)) {}

    Result<Entries> list(std::uint32_t program) {
        for (version_ = 4; version_ >= 3; --version_) {
            auto answer = rpcbind_.ask(version_, RpcbindProcedure::list, {});
            if (!answer) return answer.error();
            if (!answer->is_known) continue;
            auto entries = wire::read_rpcbind_list(answer->results, version_, program);
            if (!entries) return rpcbind_.failed(entries.error());
            return entries;
        }
        return rpcbind_.failed(Code::unavailable, "it speaks neither version 4 nor 3 of rpcbind");
    }
    // After list().
    Result<void> order(RpcbindProcedure procedure, const RpcbindEntry& entry) {
        auto answer = rpcbind_.ask(version_, procedure, entry);
        if (!answer) return answer.error();
        const auto done = wire::read_rpcbind_flag(answer->results);
        if (!answer->is_known || !done) return rpcbind_.failed(Code::protocol, "it did not say yes or no");
        if (*done) return {};
        const char* what = procedure == RpcbindProcedure::set ? "set" : "unset";
        return rpcbind_.failed(Code::unavailable, std::string("it refuses to ") + what + " version " +
                                                      std::to_string(entry.version) + " for " + entry.netid);
    }
    Error taken(const RpcbindEntry& by) const {
        const auto version = std::to_string(by.version);
        return rpcbind_.failed(
            Code::unavailable,
            "version " + version + " is registered for " + by.netid + " by " + unit::shown(by.owner) +
                " already, at " + unit::shown(by.address),
            "end the program of that uid that did so, or remove the entry as root: rpcinfo -d " +
                std::to_string(by.program) + " " + version);
    }

private:
    Rpcbind rpcbind_;
    std::uint32_t version_ = 0;
};

Result<LocalRpcbind> connect(const std::string& socket, const char* doing, std::uint32_t program,
                             Deadline deadline) {
    auto rpcbind = Rpcbind::connect_local(
        socket, doing + (" RPC program " + std::to_string(program)) + " in rpcbind", deadline);
    if (!rpcbind) return rpcbind.error();
    return LocalRpcbind(std::move(*rpcbind));
}

// The entry for the same program, version and netid: there is one at the most.
const RpcbindEntry* held(const Entries& there, const RpcbindEntry& wanted) {
    const auto found = std::find_if(there.begin(), there.end(), [&](const RpcbindEntry& each) {
        return each.version == wanted.version && each.netid == wanted.netid;
    });
    return found == there.end() ? nullptr : &*found;
}

}  // namespace

Result<void> register_rpc(const std::string& socket, const RpcRegistration& wanted, Deadline deadline) {
    auto rpcbind = connect(socket, "register", wanted.program, deadline);
    if (!rpcbind) return rpcbind.error();
    const auto there = rpcbind->list(wanted.program);
    if (!there) return there.error();
    const Entries entries = entries_of(wanted);
    for (const RpcbindEntry& entry : entries)
        if (const auto* now = held(*there, entry); now && now->owner != entry.owner)
            return rpcbind->taken(*now);
    for (const RpcbindEntry& entry : entries) {
        const auto* now = held(*there, entry);
        if (now && now->address == entry.address) continue;
        if (now)
            if (auto gone = rpcbind->order(RpcbindProcedure::unset, entry); !gone) return gone;
        if (auto set = rpcbind->order(RpcbindProcedure::set, entry); !set) return set;
    }
    return {};
}

Result<void> unregister_rpc(const std::string& socket, const RpcRegistration& ours, Deadline deadline) {
    auto rpcbind = connect(socket, "unregister", ours.program, deadline);
    if (!rpcbind) return rpcbind.error();
    const auto there = rpcbind->list(ours.program);
    if (!there) return there.error();
    for (const RpcbindEntry& entry : entries_of(ours)) {
        const auto* now = held(*there, entry);
        if (!now || now->owner != entry.owner || now->address != entry.address) continue;
        if (auto gone = rpcbind->order(RpcbindProcedure::unset, entry); !gone) return gone;
    }
    return {};
}

}  // namespace mutual::plugin
