// SPDX-License-Identifier: Apache-2.0
// The counterparts of DsGetSpn (a service composes its names) and DsMakeSpn (a client composes the one it
// expects).
#include "spn/part.h"

namespace mutual {
namespace {

bool names_host_only(SpnKind kind) {
    return kind == SpnKind::dns_host || kind == SpnKind::dn_host || kind == SpnKind::netbios_host;
}

bool wants_short_name(SpnKind kind) {
    return kind == SpnKind::netbios_host || kind == SpnKind::netbios_domain;
}

Result<void> check_request(const ServerSpnRequest& request) {
    if (names_host_only(request.kind) && !request.service_name.empty())
        return spn_error("SPN of a host was asked for together with a service name");
    if (!names_host_only(request.kind) && request.service_name.empty())
        return spn_error("SPN of a service or domain was asked for without a service name");
    if (!request.ports.empty() && request.ports.size() != request.hosts.size())
        return spn_error(std::to_string(request.ports.size()) + " ports for " +
                         std::to_string(request.hosts.size()) + " hosts");
    if (request.with_short_name && (!request.hosts.empty() || !names_host_only(request.kind)))
        return spn_error("short name is added to the local host's SPN only");
    return {};
}

Result<std::vector<std::string>> local_hosts(const ServerSpnRequest& request, const LocalNames& local) {
    std::vector<std::string> hosts;
    if (request.with_short_name || !wants_short_name(request.kind)) hosts.push_back(local.fqdn);
    if (request.with_short_name || wants_short_name(request.kind)) hosts.push_back(local.short_name);
    for (const auto& host : hosts)
        if (host.empty()) return spn_error("this machine's name is not known", "name the host");
    if (hosts.size() == 2 && same_spn(hosts[0], hosts[1])) hosts.pop_back();
    return hosts;
}

Result<std::string> compose(const ServerSpnRequest& request, const std::string& host, std::uint16_t port) {
    Spn spn;
    spn.service_class = request.service_class;
    spn.host = host;
    spn.port = port;
    spn.service_name = request.service_name;
    return to_text(spn);
}

Result<void> check_client(const ClientSpnRequest& request) {
    if (request.service_name.empty()) return spn_error("service name is empty");
    if (auto good = check_service_name(request.service_name, "service name"); !good) return good;
    if (auto good = check_service_name(request.referrer, "referrer"); !good) return good;
    if (is_address_literal(request.service_name)) {
        if (request.referrer.empty())
            return spn_error("service name is an IP address and no referrer is given",
                             "use the host's name, or name the machine that handed out the address");
    } else if (request.instance_name.empty() && request.service_name.find('=') != std::string::npos) {
        return spn_error("service name is a directory name and no instance name is given",
                         "name the host of the instance");
    }
    return {};
}

}  // namespace

Result<std::vector<std::string>> compose_server_spns(const ServerSpnRequest& request,
                                                     const LocalNames& local) {
    if (auto good = check_request(request); !good) return std::move(good).error();
    const bool use_local = request.hosts.empty();
    auto hosts = use_local ? local_hosts(request, local) : Result<std::vector<std::string>>{request.hosts};
    if (!hosts) return std::move(hosts).error();
    std::vector<std::string> spns;
    for (std::size_t i = 0; i < hosts->size(); ++i) {
        const std::uint16_t listed = request.ports.empty() ? std::uint16_t{0} : request.ports[i];
        auto spn = compose(request, (*hosts)[i], use_local ? request.port : listed);
        if (!spn) return std::move(spn).error();
        spns.push_back(std::move(*spn));
    }
    return spns;
}

Result<std::string> compose_client_spn(const ClientSpnRequest& request) {
    if (auto good = check_client(request); !good) return std::move(good).error();
    Spn spn;
    spn.service_class = request.service_class;
    spn.host = request.instance_name.empty() ? request.service_name : request.instance_name;
    spn.port = request.port;
    if (is_address_literal(request.service_name))
        spn.service_name = request.referrer;
    else if (!request.instance_name.empty())
        spn.service_name = request.service_name;
    return to_text(spn);
}

}  // namespace mutual
