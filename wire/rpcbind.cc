// SPDX-License-Identifier: Apache-2.0
#include "wire/rpcbind.h"

#include <string_view>

#include "wire/rpc_message.h"
#include "wire/universal_address.h"

namespace mutual::wire {

namespace {

constexpr std::uint32_t portmap = 2;
constexpr std::uint32_t tcp = 6, udp = 17;

Error malformed(const std::string& what) {
    return {Code::protocol, Stage::discovery, "read an answer of rpcbind: " + what};
}

void put_text(XdrWriter& out, std::string_view text) {
    out.opaque(std::as_bytes(std::span(text.data(), text.size())));
}

std::string text(XdrReader& in) {
    const MutableBytes octets = in.opaque(longest_rpcbind_text);
    return std::string(reinterpret_cast<const char*>(octets.data()), octets.size());
}

void put_entry(XdrWriter& out, const RpcbindEntry& entry) {
    out.number(entry.program);
    out.number(entry.version);
    for (const std::string& each : {entry.netid, entry.address, entry.owner}) put_text(out, each);
}

RpcbindEntry read_entry(XdrReader& in) {
    RpcbindEntry entry;
    entry.program = in.number();
    entry.version = in.number();
    entry.netid = text(in);
    entry.address = text(in);
    entry.owner = text(in);
    return entry;
}

std::string netid_of(std::uint32_t protocol) {
    return protocol == tcp ? "tcp" : protocol == udp ? "udp" : std::to_string(protocol);
}

Result<RpcbindEntry> read_mapping(XdrReader& in) {
    RpcbindEntry entry;
    entry.program = in.number();
    entry.version = in.number();
    entry.netid = netid_of(in.number());
    const std::uint32_t port = in.number();
    if (port > 0xffff) return malformed("port " + std::to_string(port));
    entry.address = to_text(UniversalAddress{"0.0.0.0", static_cast<std::uint16_t>(port)});
    return entry;
}

}  // namespace

std::vector<std::byte> rpcbind_call(std::uint32_t xid, std::uint32_t rpcbind, RpcbindProcedure procedure,
                                    const RpcbindEntry& about) {
    XdrWriter out;
    put_call(out, xid, rpcbind_program, rpcbind, static_cast<std::uint32_t>(procedure));
    put_auth(out, AuthFlavor::none, {});
    put_auth(out, AuthFlavor::none, {});
    if (procedure == RpcbindProcedure::list) return out.take();
    if (rpcbind != portmap) {
        put_entry(out, about);
        return out.take();
    }
    for (const std::uint32_t word : {about.program, about.version, tcp, 0U}) out.number(word);
    return out.take();
}

Result<bool> read_rpcbind_flag(MutableBytes results) {
    XdrReader in(results);
    const std::uint32_t flag = in.number();
    if (!in.is_good() || !in.is_at_end() || flag > 1) return malformed("it is not yes or no");
    return flag == 1;
}

Result<std::string> read_rpcbind_address(MutableBytes results) {
    XdrReader in(results);
    std::string address = text(in);
    if (!in.is_good() || !in.is_at_end()) return malformed("it is not one address");
    return address;
}

Result<std::uint16_t> read_portmap_port(MutableBytes results) {
    XdrReader in(results);
    const std::uint32_t port = in.number();
    if (!in.is_good() || !in.is_at_end()) return malformed("it is not one port");
    if (port > 0xffff) return malformed("port " + std::to_string(port));
    return static_cast<std::uint16_t>(port);
}

Result<std::vector<RpcbindEntry>> read_rpcbind_list(MutableBytes results, std::uint32_t rpcbind,
                                                    std::uint32_t program) {
    XdrReader in(results);
    std::vector<RpcbindEntry> entries;
    for (;;) {
        const std::uint32_t has_more = in.number();
        if (!in.is_good() || has_more > 1) return malformed("its list is cut");
        if (has_more == 0) break;
        Result<RpcbindEntry> entry = rpcbind == portmap ? read_mapping(in) : read_entry(in);
        if (!entry) return std::move(entry).error();
        if (!in.is_good()) return malformed("an entry of its list is cut, or too long");
        if (entry->program != program) continue;
        if (entries.size() == most_rpcbind_entries)
            return Error(Code::limit, Stage::discovery,
                         "read an answer of rpcbind: it has more than " +
                             std::to_string(most_rpcbind_entries) + " entries of one program");
        entries.push_back(std::move(*entry));
    }
    if (!in.is_at_end()) return malformed("something follows its list");
    return entries;
}

}  // namespace mutual::wire
