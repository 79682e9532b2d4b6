// SPDX-License-Identifier: Apache-2.0
// [service.NAME] and its trust.
#include <algorithm>
#include <set>

#include "daemon/config/checks.h"
#include "daemon/config/read.h"

namespace mutual::config {
namespace {

using namespace std::chrono_literals;

void read_trust(Section& service_section, Service& service) {
    const Node* node = service_section.table("trust");
    if (node == nullptr) return;
    Section section(*node, service_section.path_of("trust"), service_section.errors());
    section.each("hosts", [&service](const std::string& text) -> Result<void> {
        auto pattern = parse_host_pattern(text);
        if (!pattern) return pattern.error();
        service.trust.hosts.push_back(std::move(*pattern));
        return {};
    });
    section.boolean("three_part", service.trust.three_part);
    section.text("base", service.trust.base, check_not_empty);
    if (service.trust.three_part && service.spn != SpnForm::three_part)
        section.complain("three_part", "is a reason only where spn = \"three-part\"",
                         "write it in the service, or state another reason");
    section.finish();
}

void read_query(Section& section, Service& service, const Configuration& configuration) {
    std::set<std::string> seen;
    section.texts("discovery", service.discovery, [&](const std::string& name) -> Result<void> {
        if (!seen.insert(name).second) return wrong("names \"" + name + "\" twice");
        return check_plugin(configuration, PluginKind::discovery, name);
    });
    section.texts("keywords", service.keywords, check_not_empty);
    section.text("instance", service.instance, check_not_empty);
    section.text("base", service.base, check_not_empty);
    if (service.base.empty()) service.base = service.trust.base;
    section.text("host", service.host, [](const std::string& name) -> Result<void> {
        const auto pattern = parse_host_pattern(name);
        if (!pattern) return pattern.error();
        return pattern->below ? Result<void>(wrong("must be one host's name")) : Result<void>();
    });
}

void read_opening(Section& section, Service& service, const Configuration& configuration) {
    section.text("identity", service.identity,
                 [&](const std::string& name) { return check_identity(configuration, name); });
    section.duration("minimum_lifetime", service.minimum_lifetime, 0s, 24h);
    milliseconds timeout{};
    if (section.duration("timeout", timeout, 100ms, 5min)) service.timeout = timeout;
    section.duration("idle_timeout", service.idle_timeout, 0s, 24h * 365);
}

void read_transport(Section& section, Service& service, const Configuration& configuration) {
    read_rpc(section, service);
    if (service.rpc) service.transport = "oncrpc";
    section.text("transport", service.transport, [&](const std::string& transport) {
        return check_plugin(configuration, PluginKind::transport, transport);
    });
    if (const auto usable = check_plugin(configuration, PluginKind::transport, service.transport);
        !usable && !section.has("transport"))
        section.complain("", usable.error().message, usable.error().hint);
    const bool carries_calls = configuration.protection(service.transport) == Protection::rpc;
    if (carries_calls && !service.rpc)
        section.complain("transport", "carries the calls of an RPC program, and there is none",
                         "write its program and versions into service." + service.name + ".rpc");
    if (!carries_calls && service.rpc)
        section.complain("transport", "carries a stream of octets, and `rpc` asks for calls of a program",
                         "leave it out, or name a transport whose protection is \"rpc\"");
    if (service.rpc)
        section.refuse("options", "is made of `rpc` here");
    else
        section.json("options", service.options);
}

void read_service(Section& section, const std::string& name, Configuration& configuration) {
    Service service;
    service.name = name;
    service.service_class = name;
    service.where = section.where();
    section.text("description", service.description);
    section.text("class", service.service_class, check_service_class);
    section.require("realm", "a principal's realm is never guessed");
    section.text("realm", service.realm, check_realm);
    section.choice(
        "spn", service.spn,
        {{"host", SpnForm::host}, {"host-port", SpnForm::host_port}, {"three-part", SpnForm::three_part}});
    read_transport(section, service, configuration);
    read_trust(section, service);
    read_query(section, service, configuration);
    read_opening(section, service, configuration);
    if (section.table("accept") != nullptr) read_accept(section, service, service.accept.emplace());
    if (service.rpc) service.options = rpc_options(service);
    // Who asks for an RPC program may say where it is.
    if (!section.has("discovery") && !section.has("accept") && !service.rpc)
        section.complain(
            "", "has neither `discovery`, by which it is found, nor [accept], by which it is offered");
    configuration.services.emplace(name, std::move(service));
}

// Two listeners cannot share an address and port.
void refuse_shared_ports(const Configuration& configuration, std::vector<Error>& errors) {
    std::map<std::pair<std::string, std::uint16_t>, std::string> taken;
    for (const auto& [name, service] : configuration.services) {
        if (!service.accept || service.accept->port == 0) continue;
        const auto [place, is_new] =
            taken.emplace(std::pair(service.accept->address, service.accept->port), name);
        if (!is_new)
            errors.push_back(error_at(service.accept->where, "service." + name + ".accept.port",
                                      "service " + place->second + " accepts on the same address and port"));
    }
}

// rpcbind knows one place of a program and version.
void refuse_shared_programs(const Configuration& configuration, std::vector<Error>& errors) {
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::string> taken;
    for (const auto& [name, service] : configuration.services) {
        if (!service.accept || !service.rpc || !service.accept->rpc.is_registered) continue;
        for (const std::uint32_t version : service.rpc->versions) {
            const auto [place, is_new] = taken.emplace(std::pair(service.rpc->program, version), name);
            if (!is_new)
                errors.push_back(
                    error_at(service.accept->where, "service." + name + ".accept.rpc.register",
                             "service " + place->second + " is registered for the same program and version",
                             "write register = false into one of them"));
        }
    }
}

}  // namespace

void read_services(Section& root, Configuration& configuration) {
    read_named(root, "service", [&](Section& section, const std::string& name) {
        read_service(section, name, configuration);
    });
    refuse_shared_ports(configuration, root.errors());
    refuse_shared_programs(configuration, root.errors());
}

}  // namespace mutual::config
