// SPDX-License-Identifier: Apache-2.0
// The headers that tell a local server who its peer is. Lines: address, peer, self, channel; then the ports.
#include <arpa/inet.h>

#include <array>

#include "daemon/broker/knc_lines.h"
#include "daemon/broker/proxy_header.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/property.h"

namespace mutual::fuzz {
namespace {

using namespace broker;

// Reads a PROXY header as a server does.
class Reader {
public:
    explicit Reader(std::string_view text) : rest_(text) {}
    std::string_view take(std::size_t size) {
        require(size <= rest_.size(), "a header is as long as it says");
        const auto taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }
    std::size_t number() {
        const auto two = take(2);
        return static_cast<unsigned char>(two[0]) * 256U + static_cast<unsigned char>(two[1]);
    }
    bool empty() const { return rest_.empty(); }

private:
    std::string_view rest_;
};

void check_tlv(Reader& reader, unsigned char type, const std::string& value) {
    require(reader.take(1) == std::string(1, static_cast<char>(type)), "the values come in order");
    require(reader.take(reader.number()) == value, "a server reads the name that was verified", value);
}

void check_proxy(const ProxyIdentity& identity) {
    const auto header = proxy_header(identity);
    if (!accepted(header)) return;
    Reader reader(*header);
    require(reader.take(13) == std::string_view("\r\n\r\n\0\r\nQUIT\n\x21", 13),
            "a header has its signature");
    const bool ipv4 = reader.take(1) == "\x11";
    require(reader.number() == header->size() - 16, "a header's length is that of the rest");
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(ipv4 ? AF_INET : AF_INET6, reader.take(ipv4 ? 4 : 16).data(), text.data(), text.size());
    std::array<char, 16> ours{}, theirs{};
    const std::string bare = identity.from.bare_address();
    require(::inet_pton(ipv4 ? AF_INET : AF_INET6, bare.c_str(), ours.data()) == 1 &&
                ::inet_pton(ipv4 ? AF_INET : AF_INET6, text.data(), theirs.data()) == 1 && ours == theirs,
            "a header has the peer's address", bare);
    reader.take(ipv4 ? 4 : 16);
    require(reader.number() == identity.from.port && reader.number() == identity.local_port,
            "a header has both ports");
    check_tlv(reader, proxy_tlv_unique_id, identity.channel);
    check_tlv(reader, proxy_tlv_peer, identity.peer);
    check_tlv(reader, proxy_tlv_self, identity.self);
    require(reader.empty(), "nothing follows a header's values");
}

void check_knc(const KncIdentity& identity) {
    const auto lines = knc_lines(identity);
    if (!accepted(lines)) return;
    Input input(reinterpret_cast<const std::uint8_t*>(lines->data()), lines->size());
    const bool ipv6 = identity.from.bare_address().find(':') != std::string::npos;
    for (const char* key : {"MECH", "CREDS", "EXPORT_NAME", ipv6 ? "REMOTE_IP6" : "REMOTE_IP", "REMOTE_ADDR",
                            "REMOTE_PORT", "VERSION"}) {
        const std::string line = input.line();
        require(line.starts_with(std::string(key) + ":"), "knc's lines come in order", line);
        if (line.starts_with("CREDS:")) require(line == "CREDS:" + identity.peer, "a server reads the name");
        if (line.starts_with("REMOTE_PORT:"))
            require(line == "REMOTE_PORT:" + std::to_string(identity.from.port), "a server reads the port");
    }
    require(input.line() == "END" && input.empty(), "knc's lines end with END");
}

}  // namespace
}  // namespace mutual::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutual::fuzz;
    Input input(data, size);
    ProxyIdentity identity;
    identity.from.address = input.line();
    identity.peer = input.line();
    identity.self = input.line();
    identity.channel = input.line();
    identity.from.port = input.two_octets();
    identity.local_port = input.two_octets();
    // Names may be far longer than a fuzzer's input.
    const std::size_t times = 1U + input.octet() * 8U;
    for (std::string* name : {&identity.peer, &identity.self}) {
        const std::string once = *name;
        for (std::size_t i = 1; i < times && name->size() < 70'000; ++i) *name += once;
    }
    check_proxy(identity);
    check_knc({identity.from, identity.peer, identity.self});
    return 0;
}
