// SPDX-License-Identifier: Apache-2.0
// Against an rpcbind that answers as a test says. Against a real one: tests/system/test_rpcbind.py.
#include "daemon/plugin/rpc_registration.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "daemon/plugin/fake_rpcbind.h"
#include "varlink/socket.h"

namespace mutual::plugin {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using wire::AcceptStatus;
using wire::Call;
using wire::RpcbindEntry;
using Calls = std::vector<std::string>;

constexpr std::uint32_t program = 200'500;

std::string our_name() { return ::geteuid() == 0 ? "superuser" : std::to_string(::geteuid()); }

class RegisteringRpc : public testing::Test {
protected:
    RegisteringRpc() {
        std::string pattern = std::filesystem::temp_directory_path() / "rpcbind-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
    }
    ~RegisteringRpc() override { std::filesystem::remove_all(folder_); }

    std::string path() const { return folder_ / "rpcbind.sock"; }
    UniqueFd listener() const { return std::move(varlink::listen_unix(path(), 0666)).value(); }
    Result<void> set(const RpcRegistration& wanted, milliseconds time = milliseconds(5000)) const {
        return register_rpc(path(), wanted, steady_clock::now() + time);
    }
    Result<void> unset(const RpcRegistration& ours) const {
        return unregister_rpc(path(), ours, steady_clock::now() + milliseconds(5000));
    }
    bool refused(const Result<void>& done, Code code, const std::string& message) const {
        if (done || done.error().code != code) return false;
        EXPECT_NE(done.error().message.find(message), std::string::npos) << done.error().message;
        return true;
    }

    const RpcRegistration wanted_{program, {1, 2}, "0.0.0.0", 7000};
    // What the fake has, and what it answers to set and unset.
    std::vector<RpcbindEntry> entries_;
    bool is_willing_ = true;
    FakeRpcbind::Answer answer_ = [this](const Call& call) {
        return call.procedure == 4 ? list(call, entries_) : flag(call, is_willing_);
    };

private:
    std::filesystem::path folder_;
};

TEST_F(RegisteringRpc, SetsEachVersion) {
    const FakeRpcbind rpcbind(answer_, listener());
    EXPECT_TRUE(set(wanted_));
    EXPECT_EQ(rpcbind.calls(), (Calls{"v4 4", "v4 1", "v4 1"}));
}

TEST_F(RegisteringRpc, SetsWhatTheAddressServes) {
    const FakeRpcbind rpcbind(answer_, listener());
    EXPECT_TRUE(set({program, {1}, "::", 7000}));
    EXPECT_EQ(rpcbind.calls().size(), 3U) << "tcp and tcp6";
    EXPECT_TRUE(set({program, {1}, "2001:db8::7", 7000}));
    EXPECT_EQ(rpcbind.calls().size(), 5U) << "tcp6 only";
    EXPECT_TRUE(set({program, {1}, "192.0.2.7", 7000}));
    EXPECT_EQ(rpcbind.calls().size(), 7U) << "tcp only";
}

TEST_F(RegisteringRpc, LeavesWhatIsThereAndReplacesWhatIsOld) {
    entries_ = {{program, 1, "tcp", "0.0.0.0.27.88", our_name()},
                {program, 2, "tcp", "0.0.0.0.1.1", our_name()}};
    const FakeRpcbind rpcbind(answer_, listener());
    EXPECT_TRUE(set(wanted_));
    EXPECT_EQ(rpcbind.calls(), (Calls{"v4 4", "v4 2", "v4 1"}));
}

TEST_F(RegisteringRpc, ChangesNothingWhereSomebodyElseHasAPart) {
    entries_ = {{program, 2, "tcp", "0.0.0.0.27.88", "1001\n"}};
    const FakeRpcbind rpcbind(answer_, listener());
    const auto done = set(wanted_);
    EXPECT_TRUE(refused(
        done, Code::unavailable,
        R"(register RPC program 200500 in rpcbind: version 2 is registered for tcp by "1001\n" already, at "0.0.0.0.27.88")"));
    EXPECT_NE(done.error().hint.find("rpcinfo -d 200500 2"), std::string::npos);
    EXPECT_EQ(rpcbind.calls(), Calls{"v4 4"});
}

TEST_F(RegisteringRpc, SaysWhatRpcbindRefuses) {
    is_willing_ = false;
    const FakeRpcbind rpcbind(answer_, listener());
    EXPECT_TRUE(refused(set(wanted_), Code::unavailable, "it refuses to set version 1 for tcp"));
    entries_ = {{program, 1, "tcp", "0.0.0.0.27.88", our_name()}};
    EXPECT_TRUE(refused(unset(wanted_), Code::unavailable, "it refuses to unset version 1 for tcp"));
}

TEST_F(RegisteringRpc, UnsetsItsOwnOnly) {
    entries_ = {{program, 1, "tcp", "0.0.0.0.27.88", our_name()},
                {program, 2, "tcp", "0.0.0.0.27.88", "7"},
                {program, 3, "tcp", "0.0.0.0.27.88", our_name()},
                {program, 1, "udp", "0.0.0.0.27.88", our_name()}};
    const FakeRpcbind rpcbind(answer_, listener());
    EXPECT_TRUE(unset(wanted_));
    EXPECT_EQ(rpcbind.calls(), (Calls{"v4 4", "v4 2"}));
}

TEST_F(RegisteringRpc, FallsBackToVersion3AndNoFurther) {
    const FakeRpcbind rpcbind(
        [this](const Call& call) {
            return call.version == 3 ? answer_(call) : without_results(call, AcceptStatus::program_mismatch);
        },
        listener());
    EXPECT_TRUE(set(wanted_));
    EXPECT_EQ(rpcbind.calls(), (Calls{"v4 4", "v3 4", "v3 1", "v3 1"}));
}

TEST_F(RegisteringRpc, ThePortMapperIsNotEnough) {
    const FakeRpcbind rpcbind(
        [](const Call& call) { return without_results(call, AcceptStatus::program_mismatch); }, listener());
    EXPECT_TRUE(refused(set(wanted_), Code::unavailable, "neither version 4 nor 3"));
}

TEST_F(RegisteringRpc, WithoutRpcbindSaysSo) {
    const auto done = set(wanted_);
    EXPECT_TRUE(refused(done, Code::unavailable, "register RPC program 200500 in rpcbind: connect to "));
    EXPECT_NE(done.error().hint.find("systemctl status rpcbind"), std::string::npos);
}

TEST_F(RegisteringRpc, ASilentRpcbindCostsItsTime) {
    const FakeRpcbind rpcbind([](const Call&) { return Octets(); }, listener());
    EXPECT_TRUE(refused(set(wanted_, milliseconds(100)), Code::timed_out, "no answer in time"));
}

TEST_F(RegisteringRpc, AListThatIsCutOrTooLongChangesNothing) {
    const FakeRpcbind cut([](const Call& call) { return success(call, [](auto& out) { out.number(1); }); },
                          listener());
    EXPECT_TRUE(refused(set(wanted_), Code::protocol, "it"));
    EXPECT_EQ(cut.calls(), Calls{"v4 4"});
}

}  // namespace
}  // namespace mutual::plugin
