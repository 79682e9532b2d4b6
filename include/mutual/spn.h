// SPDX-License-Identifier: Apache-2.0
// Service principal names: class/host[:port|:instance][/service-name] (MS-ADTS 2.2.21; SPN-1..SPN-20).
// Pure functions; every failure is invalid_request at stage spn.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mutual/error.h"

namespace mutual {

// A well-formed SPN in parts. Printable ASCII only; no part holds "/"; class and host are not empty.
struct Spn {
    std::string service_class;
    std::string host;
    std::uint16_t port = 0;    // 0: absent
    std::string instance;      // named instance; never all digits; excludes port
    std::string service_name;  // third part; empty: absent

    bool operator==(const Spn&) const = default;
};

inline constexpr std::size_t max_spn = 1024;  // octets in the text form

// Text form; checks every rule (FT-001..FT-004).
Result<std::string> to_text(const Spn& spn);
// Splits and checks; accepts no escape, one or four parts, or an empty part (FT-011, FT-013, FT-014).
Result<Spn> parse_spn(std::string_view text);

// DsCrackSpn's view of an SPN (DCS-1..DCS-3): a missing service name reports the host in its place (FT-012).
struct CrackedSpn {
    std::string service_class;
    std::string service_name;
    std::string instance_name;
    std::uint16_t instance_port = 0;
};
Result<CrackedSpn> crack_spn(std::string_view text);

// What DsGetSpn distinguishes (DGS-1..DGS-3).
enum class SpnKind { dns_host, dn_host, netbios_host, domain, netbios_domain, service };

// Names of this machine, passed in: composing asks no resolver.
struct LocalNames {
    std::string fqdn;
    std::string short_name;
};

struct ServerSpnRequest {
    SpnKind kind = SpnKind::dns_host;
    std::string service_class;
    std::string service_name;          // only, and always, with domain, netbios_domain and service
    std::uint16_t port = 0;            // used when `hosts` is empty
    std::vector<std::string> hosts;    // empty: the local name that the kind asks for
    std::vector<std::uint16_t> ports;  // empty, or as many as hosts; 0: no port part
    bool with_short_name = false;      // host kinds with empty `hosts`: FQDN and short form (REG-11)
};
// The service's side (DsGetSpn): as many SPNs as hosts, in order (FT-005..FT-007, FT-010).
Result<std::vector<std::string>> compose_server_spns(const ServerSpnRequest& request,
                                                     const LocalNames& local);

struct ClientSpnRequest {
    std::string service_class;
    std::string service_name;   // host, domain, SRV name, DN, or IP literal
    std::string instance_name;  // host, when service_name is not one
    std::uint16_t port = 0;
    std::string referrer;  // used only when service_name is an IP literal
};
// The client's side (DsMakeSpn, DMS-1..DMS-7; FT-009).
Result<std::string> compose_client_spn(const ClientSpnRequest& request);

// Equal for the purpose of finding duplicates: ASCII case is folded (SPN-6, FT-017).
bool same_spn(std::string_view a, std::string_view b);

// The krb5 principal of an SPN in the text form that krb5_parse_name reads back into the same components:
// `\`, `@` and `/` inside a component are escaped (requirements: a DN's own backslashes survive). `realm` is
// required: an SPN's realm comes from the administrator, never from a default (FT-016).
Result<std::string> to_principal(const Spn& spn, std::string_view realm);
// The SPN text of a principal as libkrb5 prints it, without its realm; nullopt-like failure if it has one
// component or more than three.
struct PrincipalParts {
    std::vector<std::string> components;
    std::string realm;
};
Result<PrincipalParts> parse_principal(std::string_view text);
Result<Spn> spn_of_principal(std::string_view text);

// Whether two principals in libkrb5's text form are the same: by component and realm, octet by octet.
bool same_principal(std::string_view a, std::string_view b);

// An IPv4 or IPv6 address in its text form: it cannot stand in an SPN.
bool is_address_literal(std::string_view text);

}  // namespace mutual
