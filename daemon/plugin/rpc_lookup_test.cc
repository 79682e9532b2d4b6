// SPDX-License-Identifier: Apache-2.0
// Against an rpcbind that answers as a test says. Against a real one: tests/system/test_rpcbind.py.
#include "daemon/plugin/rpc_lookup.h"

#include <gtest/gtest.h>

#include "daemon/plugin/fake_rpcbind.h"
#include "wire/rpc_record.h"

namespace mutual::plugin {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using wire::AcceptStatus;
using wire::Call;

constexpr std::uint32_t program = 200'500;
using Calls = std::vector<std::string>;

Result<RpcPlace> look_up(const FakeRpcbind& rpcbind, milliseconds time = milliseconds(5000)) {
    return look_up_rpc({{"127.0.0.1"}, program, 2}, rpcbind.port(), steady_clock::now() + time);
}

bool says(const Result<RpcPlace>& answer, Code code, const std::string& message) {
    if (answer || answer.error().code != code) return false;
    EXPECT_EQ(answer.error().stage, Stage::discovery);
    EXPECT_TRUE(answer.error().message.starts_with("look up RPC program 200500 version 2: "));
    EXPECT_NE(answer.error().message.find(message), std::string::npos) << answer.error().message;
    return true;
}

// An rpcbind that has no version but that one.
FakeRpcbind::Answer only(std::uint32_t version, FakeRpcbind::Answer answer) {
    return [version, answer = std::move(answer)](const Call& call) {
        return call.version == version ? answer(call) : without_results(call, AcceptStatus::program_mismatch);
    };
}

TEST(RpcLookup, AsksVersion4ForThatVersionOfTheProgram) {
    const FakeRpcbind rpcbind([](const Call& call) { return address(call, "192.0.2.7.27.88"); });
    const auto place = look_up(rpcbind);
    ASSERT_TRUE(place) << place.error().message;
    EXPECT_EQ(*place, (RpcPlace{"192.0.2.7", 7000, "rpcbind v4"}));
    EXPECT_EQ(rpcbind.calls(), Calls{"v4 9"});
}

TEST(RpcLookup, AWildcardIsTheAddressThatWasAsked) {
    for (const char* wildcard : {"0.0.0.0.27.88", "::.27.88"}) {
        const FakeRpcbind rpcbind([wildcard](const Call& call) { return address(call, wildcard); });
        EXPECT_EQ(look_up(rpcbind).value(), (RpcPlace{"127.0.0.1", 7000, "rpcbind v4"}));
    }
}

TEST(RpcLookup, FallsBackToVersion3AndChecksTheProgramsVersion) {
    std::uint32_t listed = 2;
    const FakeRpcbind rpcbind(only(3, [&listed](const Call& call) {
        return call.procedure == 3 ? address(call, "0.0.0.0.27.88")
                                   : list(call, {{program, listed, "tcp", "0.0.0.0.27.88", "903"},
                                                 {program, 7, "udp", "0.0.0.0.27.88", "903"}});
    }));
    EXPECT_EQ(look_up(rpcbind).value(), (RpcPlace{"127.0.0.1", 7000, "rpcbind v3"}));
    EXPECT_EQ(rpcbind.calls(), (Calls{"v4 9", "v3 3", "v3 4"}));
    listed = 5;
    EXPECT_TRUE(says(look_up(rpcbind), Code::not_found, "in other versions only: 5 (rpcbind v3)"));
}

TEST(RpcLookup, FallsBackToVersion2) {
    const FakeRpcbind rpcbind(only(2, [](const Call& call) {
        return success(call, [&call](wire::XdrWriter& out) {
            if (call.procedure == 3) return out.number(7000);
            for (const std::uint32_t word : {1U, program, 2U, 6U, 7000U, 0U}) out.number(word);
        });
    }));
    EXPECT_EQ(look_up(rpcbind).value(), (RpcPlace{"127.0.0.1", 7000, "rpcbind v2"}));
    EXPECT_EQ(rpcbind.calls(), (Calls{"v4 9", "v3 3", "v2 3", "v2 4"}));
}

TEST(RpcLookup, AProcedureThatIsNotThereIsAnotherReasonToFallBack) {
    const FakeRpcbind rpcbind([](const Call& call) {
        return call.version == 4     ? without_results(call, AcceptStatus::procedure_unavailable)
               : call.procedure == 3 ? address(call, "0.0.0.0.27.88")
                                     : without_results(call, AcceptStatus::procedure_unavailable);
    });
    EXPECT_EQ(look_up(rpcbind).value().how, "rpcbind v3");
}

TEST(RpcLookup, NothingElseIsAReasonToFallBack) {
    for (const auto status :
         {AcceptStatus::program_unavailable, AcceptStatus::garbage_arguments, AcceptStatus::system_error}) {
        const FakeRpcbind rpcbind([status](const Call& call) { return without_results(call, status); });
        EXPECT_TRUE(says(look_up(rpcbind), Code::discovery_failed, "it answers " + wire::to_text(status)));
        EXPECT_EQ(rpcbind.calls().size(), 1U);
    }
    const FakeRpcbind refuses([](const Call& call) {
        wire::XdrWriter out;
        wire::put_auth_error(out, call.xid, wire::AuthStatus::too_weak);
        return marked(out);
    });
    EXPECT_TRUE(says(look_up(refuses), Code::discovery_failed, "AUTH_TOOWEAK"));
    EXPECT_EQ(refuses.calls().size(), 1U);
}

TEST(RpcLookup, OneThatSpeaksNoVersionIsNamed) {
    const FakeRpcbind rpcbind(
        [](const Call& call) { return without_results(call, AcceptStatus::program_mismatch); });
    EXPECT_TRUE(says(look_up(rpcbind), Code::discovery_failed, "none of rpcbind's versions 4, 3 and 2"));
}

TEST(RpcLookup, WhatIsNotRegisteredIsNotFoundAndOtherVersionsAreNamed) {
    std::vector<wire::RpcbindEntry> entries;
    const FakeRpcbind rpcbind([&entries](const Call& call) {
        return call.procedure == 9 ? address(call, "") : list(call, entries);
    });
    EXPECT_TRUE(says(look_up(rpcbind), Code::not_found, "it is not registered there (rpcbind v4)"));
    entries = {{program, 2, "udp", "0.0.0.0.0.1", "0"}, {7, 2, "tcp", "0.0.0.0.0.1", "0"}};
    EXPECT_TRUE(says(look_up(rpcbind), Code::not_found, "it is not registered there (rpcbind v4)"));
    for (std::uint32_t version = 30; version > 10; --version)
        entries.push_back({program, version, "tcp", "0.0.0.0.0.1", "0"});
    EXPECT_TRUE(says(look_up(rpcbind), Code::not_found,
                     "in other versions only: 11, 12, 13, 14, 15, 16, 17, 18 and more (rpcbind v4)"));
}

TEST(RpcLookup, AnAddressThatIsNoneIsRefusedAndShownEscaped) {
    const FakeRpcbind rpcbind([](const Call& call) { return address(call, "1.2.3.4.5\n\x1b[2J"); });
    EXPECT_TRUE(says(look_up(rpcbind), Code::protocol, R"(it gives the address "1.2.3.4.5\n\x1b[2J")"));
}

TEST(RpcLookup, AnAnswerToAnotherCallIsRefused) {
    const FakeRpcbind rpcbind([](Call call) {
        call.xid ^= 1;
        return address(call, "192.0.2.7.27.88");
    });
    EXPECT_TRUE(says(look_up(rpcbind), Code::protocol, "it answered another call than ours"));
}

TEST(RpcLookup, AnAnswerThatStallsCostsTheTimeThatItHas) {
    for (const std::size_t octets : {0U, 2U, 4U, 30U}) {
        const FakeRpcbind rpcbind([octets](const Call& call) {
            Octets answer = address(call, "192.0.2.7.27.88");
            answer.resize(octets);
            return answer;
        });
        const auto began = steady_clock::now();
        EXPECT_TRUE(says(look_up(rpcbind, milliseconds(100)), Code::timed_out, "no answer in time"));
        EXPECT_GE(steady_clock::now() - began, milliseconds(99));
        EXPECT_LT(steady_clock::now() - began, milliseconds(1500));
    }
}

TEST(RpcLookup, AHugeAnswerIsRefusedBeforeItArrives) {
    const FakeRpcbind rpcbind([](const Call&) {
        const auto mark = wire::mark_of(0x7fffffff);
        return Octets(mark.begin(), mark.end());
    });
    EXPECT_TRUE(says(look_up(rpcbind), Code::limit, "at most 1048576 are allowed"));
}

TEST(RpcLookup, WhatIsNoAnswerIsRefused) {
    const FakeRpcbind http([](const Call&) {
        const std::string_view text = "HTTP/1.1 400 Bad Request\r\n\r\n";
        const Bytes octets = std::as_bytes(std::span(text));
        return Octets(octets.begin(), octets.end());
    });
    EXPECT_TRUE(says(look_up(http), Code::limit, "announced a record"));
    const FakeRpcbind empty([](const Call&) { return marked(wire::XdrWriter()); });
    EXPECT_TRUE(says(look_up(empty), Code::protocol, "it is cut"));
    const FakeRpcbind twice([](const Call& call) {
        Octets answer = address(call, "192.0.2.7.27.88");
        const Octets again = answer;
        answer.insert(answer.end(), again.begin(), again.end());
        return answer;
    });
    EXPECT_TRUE(says(look_up(twice), Code::protocol, "more than the answer arrived"));
}

TEST(RpcLookup, OneThatIsNotThereIsUnreachableAndTheNextAddressIsAsked) {
    const FakeRpcbind rpcbind([](const Call& call) { return address(call, "0.0.0.0.27.88"); });
    const auto deadline = steady_clock::now() + milliseconds(5000);
    const auto none = look_up_rpc({{"127.0.0.2"}, program, 2}, rpcbind.port(), deadline);
    EXPECT_TRUE(says(none, Code::unreachable, "Connection refused"));
    EXPECT_NE(none.error().hint.find("see whether rpcbind runs there"), std::string::npos);
    const auto second = look_up_rpc({{"127.0.0.2", "127.0.0.1"}, program, 2}, rpcbind.port(), deadline);
    EXPECT_EQ(second.value().address, "127.0.0.1");
}

TEST(RpcLookup, OneThatKnowsNothingIsWorthMoreThanOneThatIsNotThere) {
    const FakeRpcbind rpcbind(
        [](const Call& call) { return call.procedure == 9 ? address(call, "") : list(call, {}); });
    const auto deadline = steady_clock::now() + milliseconds(5000);
    for (const auto& addresses :
         {std::vector<std::string>{"127.0.0.2", "127.0.0.1"}, {"127.0.0.1", "127.0.0.2"}}) {
        const auto place = look_up_rpc({addresses, program, 2}, rpcbind.port(), deadline);
        EXPECT_TRUE(says(place, Code::not_found, "Connection refused"));
        EXPECT_TRUE(says(place, Code::not_found, "it is not registered there"));
    }
}

TEST(RpcLookup, OneThatIsSilentLeavesTimeForTheNext) {
    const FakeRpcbind silent([](const Call&) { return Octets(); });
    const FakeRpcbind good([](const Call& call) { return address(call, "0.0.0.0.27.88"); }, "127.0.0.2",
                           silent.port());
    const auto began = steady_clock::now();
    const auto place =
        look_up_rpc({{"127.0.0.1", "127.0.0.2"}, program, 2}, silent.port(), began + milliseconds(60'000));
    EXPECT_EQ(place.value().address, "127.0.0.2");
    EXPECT_LT(steady_clock::now() - began, time_of_one_rpcbind + milliseconds(1500));
}

TEST(RpcLookup, WhatIsNoNumericAddressIsRefused) {
    const auto deadline = steady_clock::now() + milliseconds(5000);
    for (const char* address : {"localhost", "", "127.0.0.1 "})
        EXPECT_TRUE(says(look_up_rpc({{address}, program, 2}, 111, deadline), Code::invalid_request,
                         "it is no numeric address"))
            << address;
}

}  // namespace
}  // namespace mutual::plugin
