// SPDX-License-Identifier: Apache-2.0
// [service.NAME.accept]: what this host offers.
#include "daemon/config/checks.h"
#include "daemon/config/read.h"
#include "daemon/unit/account.h"

namespace mutual::config {
namespace {

using namespace std::chrono_literals;

void read_names(Section& section, const Service& service, Accept& accept) {
    section.require("spns", "the names that this service proves, as in \"ledger/app1.example.org\"");
    const auto keep_principal = [&](const std::string& text) -> Result<void> {
        const auto spn = parse_spn(text);
        if (!spn) return spn.error();
        if (service.realm.empty()) return {};  // which has been reported
        auto principal = to_principal(*spn, service.realm);
        if (!principal) return principal.error();
        accept.principals.push_back(std::move(*principal));
        return {};
    };
    if (section.texts("spns", accept.spns, keep_principal) && accept.spns.empty())
        section.complain("spns", "must not be empty");
    section.require("keytab");
    section.text("keytab", accept.keytab, check_absolute_path);
}

Section::Check keep_pattern(std::vector<PrincipalPattern>& patterns, bool exact) {
    return [&patterns, exact](const std::string& text) -> Result<void> {
        if (exact)
            if (auto good = check_principal(text); !good) return good;
        auto pattern = parse_principal_pattern(text);
        if (!pattern) return pattern.error();
        patterns.push_back(std::move(*pattern));
        return {};
    };
}

void read_allow(Section& accept_section, Allow& allow) {
    const Node* node = accept_section.table("allow");
    if (node == nullptr) return;
    Section section(*node, accept_section.path_of("allow"), accept_section.errors());
    section.each("principals", keep_pattern(allow.principals, true));
    section.texts("realms", allow.realms, check_realm);
    section.each("patterns", keep_pattern(allow.patterns, false));
    section.finish();
}

void read_socket_delivery(Section& section, Accept& accept) {
    section.require("socket", "where the server program listens");
    section.text("socket", accept.socket, check_socket_path);
    section.choice("header", accept.header,
                   {{"proxy-v2", Header::proxy_v2}, {"knc", Header::knc}, {"none", Header::none}});
    section.text("socket_user", accept.socket_user.name, [&](const std::string& name) -> Result<void> {
        const auto account = unit::find_user(name);
        if (!account) return account.error();
        accept.socket_user.uid = account->uid;
        return {};
    });
    for (const char* key : {"accept_users", "accept_groups", "accept_units"})
        section.refuse(key, "has a meaning only where deliver = \"accept\"");
}

void read_accept_delivery(Section& section, Accept& accept) {
    section.each("accept_users", [&](const std::string& name) -> Result<void> {
        const auto account = unit::find_user(name);
        if (!account) return account.error();
        accept.accept_users.push_back({name, account->uid});
        return {};
    });
    section.each("accept_groups", [&](const std::string& name) -> Result<void> {
        const auto gid = unit::find_group(name);
        if (!gid) return gid.error();
        accept.accept_groups.push_back({name, *gid});
        return {};
    });
    section.each("accept_units", keep_unit(accept.accept_units));
    if (section.has("accept_units") && accept.accept_units.empty())
        section.complain("accept_units", "must not be empty");
    for (const char* key : {"socket", "header", "socket_user"})
        section.refuse(key, "has a meaning only where deliver = \"unix\"");
}

void read_limits(Section& accept_section, AcceptLimits& limits) {
    const Node* node = accept_section.table("limits");
    if (node == nullptr) return;
    Section section(*node, accept_section.path_of("limits"), accept_section.errors());
    section.integer("connections", limits.connections, 1, 1'000'000);
    section.integer("handshakes", limits.handshakes, 1, 100'000);
    section.integer("waiting", limits.waiting, 0, 100'000);
    section.duration("handshake_timeout", limits.handshake_timeout, 100ms, 5min);
    section.duration("idle_timeout", limits.idle_timeout, 0s, 24h * 365);
    section.finish();
}

}  // namespace

void read_accept(Section& service_section, const Service& service, Accept& accept) {
    Section section(*service_section.table("accept"), service_section.path_of("accept"),
                    service_section.errors());
    accept.where = section.where();
    if (service.rpc) accept.header = Header::none;  // RPC servers know of none
    read_names(section, service, accept);
    section.text("address", accept.address, check_address);
    section.require("port", "1 to 65535, or 0: the system chooses");
    section.integer("port", accept.port, 0, 65535);
    read_allow(section, accept.allow);
    section.require("deliver", "\"unix\": to a server's socket; \"accept\": to who calls Accept");
    section.choice("deliver", accept.deliver,
                   {{"unix", Delivery::unix_socket}, {"accept", Delivery::accept}});
    if (accept.deliver == Delivery::unix_socket)
        read_socket_delivery(section, accept);
    else
        read_accept_delivery(section, accept);
    read_limits(section, accept.limits);
    if (service.rpc)
        read_accept_rpc(section, accept.rpc);
    else
        section.refuse("rpc", "has a meaning only where the service has `rpc`");
    section.finish();
}

}  // namespace mutual::config
