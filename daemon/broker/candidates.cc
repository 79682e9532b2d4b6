// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/candidates.h"

#include <algorithm>
#include <array>

#include "mutual/spn.h"

namespace mutual::broker {

namespace {

char folded(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string folded(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = folded(c);
    return result;
}

std::string trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) return {};
    std::size_t last = text.find_last_not_of(' ');
    if (last + 1 < text.size() && text[last] == '\\') ++last;
    return std::string(text.substr(first, last - first + 1));
}

// The RDNs of a DN, folded and trimmed; empty if one of them has no "=".
std::vector<std::string> rdns_of(std::string_view dn) {
    std::vector<std::string> rdns;
    std::size_t begin = 0;
    for (std::size_t at = 0; at <= dn.size(); ++at) {
        if (at < dn.size() && dn[at] == '\\') {
            ++at;
            continue;
        }
        if (at < dn.size() && dn[at] != ',') continue;
        const std::string_view rdn = dn.substr(begin, std::min(at, dn.size()) - begin);
        const std::size_t equals = rdn.find('=');
        if (equals == std::string_view::npos || trimmed(rdn.substr(0, equals)).empty()) return {};
        rdns.push_back(folded(trimmed(rdn.substr(0, equals)) + "=" + trimmed(rdn.substr(equals + 1))));
        begin = at + 1;
    }
    return rdns;
}

const std::string& spn_host(const Candidate& candidate) {
    return candidate.spn_host.empty() ? candidate.host : candidate.spn_host;
}

Spn compose(const Candidate& candidate, const config::Service& service) {
    Spn spn;
    spn.service_class = service.service_class;
    spn.host = spn_host(candidate);
    switch (service.spn) {
        case config::SpnForm::host:
            break;
        case config::SpnForm::host_port:
            spn.port = candidate.spn_port != 0 ? candidate.spn_port : candidate.port;
            break;
        case config::SpnForm::three_part:
            spn.port = candidate.spn_port;
            spn.service_name = candidate.service_name;
            break;
    }
    return spn;
}

// What makes it impossible to use the candidate, whatever the trust.
std::optional<std::string> misfit(const Candidate& candidate, const config::Service& service) {
    const bool needs_port = !service.rpc || service.spn == config::SpnForm::host_port;
    if (candidate.port == 0 && needs_port)
        return service.rpc ? "it names no port, which stands in the SPN" : "it names no port";
    if (candidate.transport != service.transport)
        return "it speaks transport '" + candidate.transport + "', the definition says '" +
               service.transport + "'";
    if (!candidate.service_class.empty() && folded(candidate.service_class) != folded(service.service_class))
        return "it was published with class '" + candidate.service_class + "', the definition says '" +
               service.service_class + "'";
    if (is_address_literal(spn_host(candidate)))
        return "an address (" + spn_host(candidate) +
               ") cannot stand in an SPN: it must be published by name";
    if (service.spn == config::SpnForm::three_part && candidate.service_name.empty())
        return "it carries no service name for the third part of the SPN";
    return std::nullopt;
}

// The stated reason for which its host and service name may stand in the SPN.
std::optional<std::string> reason_to_trust(const Judged& judged, const config::Service& service) {
    const Candidate& candidate = judged.candidate;
    for (const config::HostPattern& pattern : service.trust.hosts)
        if (config::matches(pattern, spn_host(candidate))) return "trust.hosts lists '" + pattern.text + "'";
    if (!service.trust.base.empty() && candidate.trust == SourceTrust::authenticated &&
        is_below(candidate.source, service.trust.base))
        return "it lies below trust.base '" + service.trust.base + "', read over an authenticated session";
    if (service.trust.three_part && service.spn == config::SpnForm::three_part)
        return "only administrators register three-part SPNs (trust.three_part)";
    const bool is_ours = judged.plugin == "static" || judged.plugin == by_definition;
    if (candidate.trust == SourceTrust::administrator && is_ours) return "the local configuration names it";
    return std::nullopt;
}

}  // namespace

bool is_below(std::string_view dn, std::string_view base) {
    const std::vector<std::string> inner = rdns_of(dn);
    const std::vector<std::string> outer = rdns_of(base);
    if (outer.empty() || inner.size() < outer.size()) return false;
    return std::equal(outer.rbegin(), outer.rend(), inner.rbegin());
}

Judged judge(Candidate candidate, const std::string& plugin, const config::Service& service) {
    Judged judged;
    judged.candidate = std::move(candidate);
    if (judged.candidate.transport.empty()) judged.candidate.transport = service.transport;
    judged.plugin = plugin;
    if (const auto complaint = misfit(judged.candidate, service)) {
        judged.reason = *complaint;
        return judged;
    }
    const Spn spn = compose(judged.candidate, service);
    const Result<std::string> text = to_text(spn);
    const Result<std::string> principal = to_principal(spn, service.realm);
    if (!text || !principal) {
        judged.reason = (text ? principal.error() : text.error()).message;
        return judged;
    }
    judged.spn = *text;
    judged.principal = *principal;
    if (const auto reason = reason_to_trust(judged, service)) {
        judged.usable = true;
        judged.reason = *reason;
    } else {
        judged.reason = service.trust.any()
                            ? "no reason under service." + service.name + ".trust holds for it"
                            : "the definition states no reason to trust any candidate (service." +
                                  service.name + ".trust)";
    }
    return judged;
}

namespace {

// One place among [begin, end), drawn by weight; those of weight 0 have a small chance (RFC 2782).
std::vector<Judged>::iterator draw(std::vector<Judged>::iterator begin, std::vector<Judged>::iterator end,
                                   const Random& random) {
    std::uint64_t total = 0;
    for (auto at = begin; at != end; ++at) total += at->candidate.weight;
    const std::uint32_t bound = static_cast<std::uint32_t>(std::min<std::uint64_t>(total, 0xffffffffU));
    if (bound == 0) return begin + random(static_cast<std::uint32_t>(end - begin - 1));
    const std::uint64_t target = random(bound);
    std::uint64_t sum = 0;
    for (auto at = begin; at != end; ++at)
        if ((sum += at->candidate.weight) >= target && (target > 0 || at->candidate.weight == 0)) return at;
    return begin;
}

}  // namespace

void order(std::vector<Judged>& candidates, const Random& random) {
    const auto earlier = [](const Judged& a, const Judged& b) {
        if (a.usable != b.usable) return a.usable;
        return a.usable && a.candidate.priority < b.candidate.priority;
    };
    std::stable_sort(candidates.begin(), candidates.end(), earlier);
    for (auto at = candidates.begin(); at != candidates.end() && at->usable; ++at) {
        auto end = at;
        while (end != candidates.end() && end->usable && end->candidate.priority == at->candidate.priority)
            ++end;
        std::iter_swap(at, draw(at, end, random));
    }
}

boost::json::object to_json(const Judged& judged) {
    static constexpr std::array<std::string_view, 3> trust_names{"unauthenticated", "authenticated",
                                                                 "administrator"};
    const Candidate& candidate = judged.candidate;
    boost::json::object object;
    object["host"] = candidate.host;
    object["port"] = candidate.port;
    object["transport"] = candidate.transport;
    object["spn"] = judged.spn;
    object["principal"] = judged.principal;
    object["priority"] = candidate.priority;
    object["weight"] = candidate.weight;
    object["plugin"] = judged.plugin;
    object["trust"] = trust_names[static_cast<std::size_t>(candidate.trust)];
    object["source"] = candidate.source;
    object["version"] = candidate.version;
    object["usable"] = judged.usable;
    object["reason"] = judged.reason;
    return object;
}

}  // namespace mutual::broker
