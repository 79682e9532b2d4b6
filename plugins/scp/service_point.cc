// SPDX-License-Identifier: Apache-2.0
#include "plugins/scp/service_point.h"

#include <algorithm>

#include "plugins/options/fold.h"

namespace mutual::scp {
namespace {

constexpr std::size_t longest_value = 1024;

Error unusable(std::string why) { return {Code::discovery_failed, Stage::discovery, std::move(why)}; }

const std::vector<std::string>& values(const Entry& entry, const std::string& attribute) {
    static const std::vector<std::string> none;
    const auto found = entry.attributes.find(options::lowered(attribute));
    return found == entry.attributes.end() ? none : found->second;
}

Result<std::string> single_value(const Entry& entry, const std::string& attribute) {
    const auto& all = values(entry, attribute);
    if (all.empty() || all.front().empty()) return unusable(attribute + " is missing");
    if (all.size() > 1) return unusable(attribute + " has more than one value");
    if (all.front().size() > longest_value) return unusable(attribute + " is too long");
    return all.front();
}

Result<void> read_host(const Entry& entry, ServicePoint& point) {
    auto name = single_value(entry, "serviceDNSName");
    if (!name) return name.error();
    if (!is_dns_name(*name)) return unusable("serviceDNSName is not a host name");
    const auto type = single_value(entry, "serviceDNSNameType");
    if (!type) return type.error();
    point.srv = options::same(*type, "SRV");
    if (!point.srv && !options::same(*type, "A")) return unusable("serviceDNSNameType is neither A nor SRV");
    point.dns_name = std::move(*name);
    return {};
}

Result<void> read_bindings(const Entry& entry, ServicePoint& point, std::vector<std::string>& notes) {
    const auto& all = values(entry, "serviceBindingInformation");
    if (all.empty() && !point.srv) return unusable("serviceBindingInformation is missing");
    std::string why;
    for (const auto& value : all) {
        auto binding = parse_binding(value);
        if (binding) {
            point.bindings.push_back(*binding);
        } else {
            why = "serviceBindingInformation is not understood: " + binding.error().message;
            notes.push_back(entry.dn + ": " + why);
        }
    }
    if (!point.bindings.empty() || point.srv) return {};
    notes.pop_back();  // the last one is the answer
    return unusable(why);
}

std::string read_version(const Entry& entry) {
    constexpr std::string_view prefix = "version=";
    for (const auto& keyword : values(entry, "keywords"))
        if (options::same(keyword.substr(0, prefix.size()), prefix)) return keyword.substr(prefix.size());
    const auto& numbers = values(entry, "versionNumber");
    return numbers.empty() ? std::string() : numbers.front();
}

Candidate common_part(const ServicePoint& point) {
    Candidate candidate;
    candidate.service_class = point.service_class;
    candidate.service_name = point.dn;
    candidate.source = point.dn;
    candidate.version = point.version;
    return candidate;
}

}  // namespace

const std::vector<const char*>& point_attributes() {
    static const std::vector<const char*> names{
        "keywords",           "serviceClassName",          "serviceDNSName",
        "serviceDNSNameType", "serviceBindingInformation", "versionNumber"};
    return names;
}

Result<ServicePoint> read_point(const Entry& entry, std::vector<std::string>& notes) {
    ServicePoint point;
    point.dn = entry.dn;
    if (entry.dn.empty() || entry.dn.size() > longest_value)
        return unusable("its distinguished name is too long");
    auto service_class = single_value(entry, "serviceClassName");
    if (!service_class) return service_class.error();
    point.service_class = std::move(*service_class);
    if (auto host = read_host(entry, point); !host) return host.error();
    if (auto bindings = read_bindings(entry, point, notes); !bindings) return bindings.error();
    point.version = read_version(entry);
    return point;
}

bool is_of_class(const ServicePoint& point, const std::string& service_class) {
    return service_class.empty() || options::same(point.service_class, service_class);
}

std::vector<Candidate> candidates_of(const ServicePoint& point, SourceTrust trust,
                                     const std::vector<SrvRecord>& records) {
    std::vector<Candidate> candidates;
    auto candidate = common_part(point);
    const auto add = [&](const std::string& host, std::uint16_t port, std::uint16_t priority,
                         std::uint16_t weight) {
        candidate.host = candidate.spn_host = std::string(options::without_final_dot(host));
        candidate.port = port;
        candidate.priority = priority;
        candidate.weight = weight;
        candidates.push_back(candidate);
    };
    if (point.srv) {
        candidate.trust = SourceTrust::unauthenticated;
        for (const auto& record : records)
            if (is_dns_name(record.target)) add(record.target, record.port, record.priority, record.weight);
    } else {
        candidate.trust = trust;
        for (const auto& binding : point.bindings)
            add(point.dns_name, binding.port, binding.priority, binding.weight);
    }
    return candidates;
}

}  // namespace mutual::scp
