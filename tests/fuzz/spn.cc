// SPDX-License-Identifier: Apache-2.0
// SPNs: a line to be parsed, a line to be read as a principal, and lines to compose SPNs of.
#include "mutual/spn.h"

#include <krb5/krb5.h>

#include <optional>

#include "tests/fuzz/input.h"
#include "tests/fuzz/property.h"

namespace mutual::fuzz {
namespace {

krb5_context library() {
    static krb5_context context = [] {
        krb5_context made = nullptr;
        require(krb5_init_context(&made) == 0, "libkrb5 starts");
        return made;
    }();
    return context;
}

// As libkrb5 reads it.
std::optional<PrincipalParts> library_reads(const std::string& text) {
    krb5_principal principal = nullptr;
    const int flags = KRB5_PRINCIPAL_PARSE_REQUIRE_REALM;
    if (krb5_parse_name_flags(library(), text.c_str(), flags, &principal) != 0) return std::nullopt;
    const auto string_of = [](const krb5_data& data) { return std::string(data.data, data.length); };
    PrincipalParts parts;
    for (int i = 0; i < principal->length; ++i) parts.components.push_back(string_of(principal->data[i]));
    parts.realm = string_of(principal->realm);
    krb5_free_principal(library(), principal);
    return parts;
}

void check_spn(const std::string& text) {
    const auto spn = parse_spn(text);
    if (!accepted(spn)) return;
    const auto written = to_text(*spn);
    require(written.ok() && *written == text, "an SPN has one form", text);
    require(same_spn(text, *written), "an SPN is the same as itself");
    if (accepted(crack_spn(text))) require(spn->instance.empty(), "a cracked SPN has no instance");
    const auto principal = to_principal(*spn, "EXAMPLE.ORG");
    require(principal.ok(), "an SPN is a principal", text);
    const auto back = spn_of_principal(*principal);
    require(back.ok() && *back == *spn, "an SPN survives being a principal", *principal);
    const auto read = library_reads(*principal);
    require(read.has_value(), "libkrb5 reads our principals", *principal);
    std::string joined;
    for (const auto& component : read->components) joined += (joined.empty() ? "" : "/") + component;
    require(joined == text && read->realm == "EXAMPLE.ORG", "libkrb5 reads the same components", *principal);
}

void check_principal(const std::string& text) {
    const auto ours = parse_principal(text);
    if (!accepted(ours)) return;
    require(same_principal(text, text), "a principal is the same as itself", text);
    const bool is_c_string = text.find('\0') == std::string::npos;
    const auto theirs = is_c_string ? library_reads(text) : std::nullopt;
    if (theirs)
        require(theirs->components == ours->components && theirs->realm == ours->realm,
                "libkrb5 reads the same components", text);
    accepted(spn_of_principal(text));
}

void check_composed(Input& input) {
    const auto flags = input.octet();
    const auto port = input.two_octets();
    ClientSpnRequest client{input.line(), input.line(), input.line(), port, input.line()};
    if (const auto made = compose_client_spn(client); accepted(made))
        require(parse_spn(*made).ok(), "a client's SPN can be parsed", *made);
    ServerSpnRequest server;
    server.kind = static_cast<SpnKind>(flags % 6U);
    server.service_class = client.service_class;
    server.service_name = client.service_name;
    server.port = port;
    server.with_short_name = (flags & 64U) != 0;
    if ((flags & 128U) != 0) server.hosts = {client.instance_name, client.referrer};
    const auto made = compose_server_spns(server, {client.instance_name, client.referrer});
    if (!accepted(made)) return;
    require(!made->empty() && made->size() <= 2, "there is an SPN for each host");
    for (const auto& each : *made) require(parse_spn(each).ok(), "a server's SPN can be parsed", each);
}

}  // namespace
}  // namespace mutual::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    ::setenv("KRB5_CONFIG", "/dev/null", 1);
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutual::fuzz;
    Input input(data, size);
    check_spn(input.line());
    check_principal(input.line());
    check_composed(input);
    return 0;
}
