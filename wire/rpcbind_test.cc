// SPDX-License-Identifier: Apache-2.0
#include "wire/rpcbind.h"

#include <gtest/gtest.h>

#include "tests/fakes/host.h"
#include "wire/rpc_message.h"

namespace mutual::wire {
namespace {

using fakes::bytes_of;
using fakes::text_of;
using Octets = std::vector<std::byte>;

constexpr std::uint32_t program = 200'500;

void put_entry(XdrWriter& out, const RpcbindEntry& entry) {
    out.number(1);
    out.number(entry.program);
    out.number(entry.version);
    out.opaque(bytes_of(entry.netid));
    out.opaque(bytes_of(entry.address));
    out.opaque(bytes_of(entry.owner));
}

Octets list_of(const std::vector<RpcbindEntry>& entries) {
    XdrWriter out;
    for (const RpcbindEntry& entry : entries) put_entry(out, entry);
    out.number(0);
    return out.take();
}

Octets words(std::initializer_list<std::uint32_t> values) {
    XdrWriter out;
    for (const std::uint32_t value : values) out.number(value);
    return out.take();
}

Octets address(std::string_view text) {
    XdrWriter out;
    out.opaque(bytes_of(text));
    return out.take();
}

const RpcbindEntry ours{program, 1, "tcp", "0.0.0.0.27.88", "903"};

TEST(RpcbindCalls, HoldProgramVersionNetidAddressAndOwner) {
    Octets record = rpcbind_call(9, 4, RpcbindProcedure::set, ours);
    const auto call = read_call(record);
    ASSERT_TRUE(call);
    EXPECT_EQ(call->xid, 9U);
    EXPECT_EQ(call->program, 100'000U);
    EXPECT_EQ(call->version, 4U);
    EXPECT_EQ(call->procedure, 1U);
    EXPECT_EQ(call->credential.flavor, AuthFlavor::none);
    EXPECT_EQ(call->verifier.flavor, AuthFlavor::none);
    XdrReader in(call->arguments);
    EXPECT_EQ(in.number(), program);
    EXPECT_EQ(in.number(), 1U);
    EXPECT_EQ(text_of(in.opaque(99)), "tcp");
    EXPECT_EQ(text_of(in.opaque(99)), "0.0.0.0.27.88");
    EXPECT_EQ(text_of(in.opaque(99)), "903");
    EXPECT_TRUE(in.is_good() && in.is_at_end());
}

TEST(RpcbindCalls, OfVersion2HoldTheProtocolsNumber) {
    Octets record = rpcbind_call(9, 2, RpcbindProcedure::address, ours);
    const auto call = read_call(record);
    ASSERT_TRUE(call);
    EXPECT_EQ(call->version, 2U);
    EXPECT_EQ(call->procedure, 3U);
    EXPECT_EQ(Octets(call->arguments.begin(), call->arguments.end()), words({program, 1, 6, 0}));
}

TEST(RpcbindCalls, ForAListHoldNothing) {
    for (const std::uint32_t version : {2U, 3U, 4U}) {
        Octets record = rpcbind_call(9, version, RpcbindProcedure::list, ours);
        EXPECT_TRUE(read_call(record)->arguments.empty());
    }
}

TEST(RpcbindAnswers, AFlagIsOneWord) {
    for (const std::uint32_t value : {0U, 1U}) {
        Octets results = words({value});
        EXPECT_EQ(read_rpcbind_flag(results).value(), value == 1);
    }
    for (Octets results : {words({2}), words({1, 0}), words({}), Octets(3)})
        EXPECT_EQ(read_rpcbind_flag(results).error().code, Code::protocol);
}

TEST(RpcbindAnswers, AnAddressIsOneText) {
    Octets results = address("192.0.2.7.2.15");
    EXPECT_EQ(read_rpcbind_address(results).value(), "192.0.2.7.2.15");
    Octets none = address("");
    EXPECT_EQ(read_rpcbind_address(none).value(), "");
    results.push_back(std::byte(0));
    EXPECT_EQ(read_rpcbind_address(results).error().code, Code::protocol);
}

TEST(RpcbindAnswers, AnAddressThatIsCutIsRefused) {
    const Octets whole = address("192.0.2.7.2.15");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        Octets results(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_EQ(read_rpcbind_address(results).error().code, Code::protocol) << size;
    }
}

TEST(RpcbindAnswers, AnAddressIsBounded) {
    Octets longest = address(std::string(longest_rpcbind_text, 'x'));
    EXPECT_TRUE(read_rpcbind_address(longest));
    Octets longer = address(std::string(longest_rpcbind_text + 1, 'x'));
    EXPECT_FALSE(read_rpcbind_address(longer));
    Octets announced = words({0xffffffff, 0});
    EXPECT_FALSE(read_rpcbind_address(announced));
}

TEST(RpcbindAnswers, APortIsOneWordOf16Bits) {
    Octets results = words({65535});
    EXPECT_EQ(read_portmap_port(results).value(), 65535);
    for (Octets wrong : {words({65536}), words({0xffffffff}), words({1, 2}), words({}), Octets(2)})
        EXPECT_EQ(read_portmap_port(wrong).error().code, Code::protocol);
}

TEST(RpcbindAnswers, AListGivesTheEntriesOfOneProgram) {
    RpcbindEntry other = ours;
    other.program = 100'003;
    RpcbindEntry second = ours;
    second.version = 2;
    second.netid = "tcp6";
    second.address = "::.27.88";
    Octets results = list_of({other, ours, other, second});
    const auto entries = read_rpcbind_list(results, 4, program);
    ASSERT_TRUE(entries) << entries.error().message;
    ASSERT_EQ(entries->size(), 2U);
    EXPECT_EQ(entries->at(0).version, 1U);
    EXPECT_EQ(entries->at(0).owner, "903");
    EXPECT_EQ(entries->at(1).netid, "tcp6");
    EXPECT_EQ(entries->at(1).address, "::.27.88");
}

TEST(RpcbindAnswers, AnEmptyListIsOne) {
    Octets results = words({0});
    EXPECT_EQ(read_rpcbind_list(results, 4, program)->size(), 0U);
    EXPECT_EQ(read_rpcbind_list(results, 2, program)->size(), 0U);
}

TEST(RpcbindAnswers, AListOfVersion2HasPortsAndNumbersOfProtocols) {
    Octets results =
        words({1, program, 1, 6, 7000, 1, program, 2, 17, 7001, 1, 9, 9, 6, 9, 1, program, 3, 132, 1, 0});
    const auto entries = read_rpcbind_list(results, 2, program);
    ASSERT_TRUE(entries) << entries.error().message;
    ASSERT_EQ(entries->size(), 3U);
    EXPECT_EQ(entries->at(0).netid, "tcp");
    EXPECT_EQ(entries->at(0).address, "0.0.0.0.27.88");
    EXPECT_EQ(entries->at(1).netid, "udp");
    EXPECT_EQ(entries->at(2).netid, "132");
    Octets wrong = words({1, program, 1, 6, 65536, 0});
    EXPECT_EQ(read_rpcbind_list(wrong, 2, program).error().code, Code::protocol);
}

TEST(RpcbindAnswers, AListThatIsCutAnywhereIsRefused) {
    for (const std::uint32_t rpcbind : {4U, 2U}) {
        const Octets whole = rpcbind == 4 ? list_of({ours, ours}) : words({1, program, 1, 6, 1, 0});
        for (std::size_t size = 0; size < whole.size(); ++size) {
            Octets results(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
            EXPECT_EQ(read_rpcbind_list(results, rpcbind, program).error().code, Code::protocol) << size;
        }
    }
}

TEST(RpcbindAnswers, AListWithSomethingBehindItOrAWrongFlagIsRefused) {
    Octets results = list_of({ours});
    results.resize(results.size() + 4);
    EXPECT_FALSE(read_rpcbind_list(results, 4, program));
    Octets flag = words({7});
    EXPECT_FALSE(read_rpcbind_list(flag, 4, program));
}

TEST(RpcbindAnswers, EachTextOfAListIsBounded) {
    for (std::string RpcbindEntry::*text :
         {&RpcbindEntry::netid, &RpcbindEntry::address, &RpcbindEntry::owner}) {
        RpcbindEntry entry = ours;
        entry.*text = std::string(longest_rpcbind_text, 'x');
        Octets fits = list_of({entry});
        EXPECT_TRUE(read_rpcbind_list(fits, 4, program));
        entry.*text += 'x';
        Octets results = list_of({entry});
        EXPECT_FALSE(read_rpcbind_list(results, 4, program));
    }
}

TEST(RpcbindAnswers, AListIsCappedAndOtherProgramsDoNotCount) {
    std::vector<RpcbindEntry> entries(most_rpcbind_entries, ours);
    RpcbindEntry other = ours;
    other.program = 1;
    entries.resize(most_rpcbind_entries * 8, other);
    Octets results = list_of(entries);
    EXPECT_EQ(read_rpcbind_list(results, 4, program)->size(), most_rpcbind_entries);
    entries.push_back(ours);
    results = list_of(entries);
    EXPECT_EQ(read_rpcbind_list(results, 4, program).error().code, Code::limit);
}

}  // namespace
}  // namespace mutual::wire
