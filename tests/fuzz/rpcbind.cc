// SPDX-License-Identifier: Apache-2.0
// Answers of rpcbind. The first octet tells what was asked for; the rest is the whole reply.
#include "wire/rpcbind.h"

#include "tests/fuzz/property.h"
#include "wire/rpc_message.h"
#include "wire/universal_address.h"

namespace mutual::fuzz {
namespace {

using namespace wire;

constexpr std::uint32_t program = 200'500;

void check_universal(const std::string& text) {
    const auto place = parse_universal_address(text);
    if (!accepted(place)) return;
    require(place->port != 0, "an address has a port", text);
    const auto again = parse_universal_address(to_text(*place));
    require(again.ok() && *again == *place, "an address is read as it is written", text);
    require(!is_wildcard(place->address) || !is_loopback(place->address), "a wildcard is no loopback", text);
}

void check_address(MutableBytes results) {
    const auto text = read_rpcbind_address(results);
    if (!accepted(text)) return;
    require(text->size() <= longest_rpcbind_text, "an address is bounded");
    check_universal(*text);
}

void check_list(MutableBytes results, std::uint32_t rpcbind) {
    const auto entries = read_rpcbind_list(results, rpcbind, program);
    if (!accepted(entries)) return;
    require(entries->size() <= most_rpcbind_entries, "a list is bounded");
    for (const RpcbindEntry& entry : *entries) {
        require(entry.program == program, "an entry is of the program");
        for (const std::string& text : {entry.netid, entry.address, entry.owner})
            require(text.size() <= longest_rpcbind_text, "a text is bounded");
        check_universal(entry.address);
    }
}

void check_results(std::uint8_t asked, MutableBytes results) {
    switch (asked % 5) {
        case 0:
            static_cast<void>(accepted(read_rpcbind_flag(results)));
            break;
        case 1:
            check_address(results);
            break;
        case 2:
            static_cast<void>(accepted(read_portmap_port(results)));
            break;
        case 3:
            check_list(results, 4);
            break;
        default:
            check_list(results, 2);
    }
}

}  // namespace
}  // namespace mutual::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutual;
    if (size == 0) return -1;
    const auto* octets = reinterpret_cast<const std::byte*>(data);
    std::vector<std::byte> record(octets + 1, octets + size);
    const auto reply = wire::read_reply(record);
    if (!fuzz::accepted(reply)) return 0;
    if (reply->kind != wire::Reply::Kind::accepted || reply->status != wire::AcceptStatus::success) return 0;
    fuzz::check_results(data[0], reply->results);
    return 0;
}
