// SPDX-License-Identifier: Apache-2.0
// open and accept, as the real program against a broker of the test's.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "client/broker_client.h"
#include "client/fake_broker.h"
#include "client/mutualctl/exit_status.h"
#include "client/mutualctl/program.h"

namespace mutual::ctl {
namespace {

using client::FakeBroker;
using client::reply_of;
using varlink::Call;
using varlink::Reply;

constexpr const char* facts =
    R"({"channel": {"channel": "c-1", "role": "initiator", "service": "ledger", "rule": "staff", "callerUid": 1000,
        "peer": "ledger/a@R", "self": "alice@R", "spn": "ledger/a", "transport": "sockets", "address": "10.0.0.2",
        "port": 700, "started": 1, "expires": 2, "ended": 3, "verdict": VERDICT, "bytesFromPeer": 4,
        "bytesToPeer": 5, "calls": 0}})";

Reply whois_reply(const std::string& verdict) {
    std::string text = facts;
    return reply_of(text.replace(text.find("VERDICT"), 7, verdict));
}

std::string read_all(int fd) {
    std::string text;
    std::array<char, 4096> buffer{};
    for (ssize_t count = 0; (count = ::read(fd, buffer.data(), buffer.size())) > 0;)
        text.append(buffer.data(), static_cast<std::size_t>(count));
    return text;
}

std::size_t count(std::string_view text, std::string_view part) {
    std::size_t found = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; at += part.size()) ++found;
    return found;
}

// A peer on a thread per channel: reads to the end of our direction, answers, and ends.
class Peers {
public:
    ~Peers() {
        for (auto& thread : threads_) thread.join();
    }
    UniqueFd connect() {
        std::array<int, 2> fds{};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0) std::abort();
        threads_.emplace_back([this, fd = fds[0]] {
            const UniqueFd socket(fd);
            const std::string answer = "got: " + read_all(socket.value());
            if (::send(socket.value(), answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return;
        });
        return UniqueFd(fds[1]);
    }

private:
    std::vector<std::thread> threads_;
};

constexpr const char* opened =
    R"({"channelFileDescriptor": 0, "channel": "c-1", "peer": "ledger/a@R", "self": "alice@R", "spn": "ledger/a",
        "expires": 99, "explanation": {"request": "r-1", "service": "ledger", "callerUid": 1000,
        "lines": [{"stage": "policy", "decision": "allowed", "message": "rule 'staff'", "microseconds": 120}],
        "timings": [{"stage": "policy", "microseconds": 80}]}})";
constexpr const char* accepted =
    R"({"channelFileDescriptor": 0, "channel": "c-2", "peer": "alice@R", "self": "ledger/a@R", "spn": "ledger/a",
        "address": "10.0.0.9", "port": 4711, "expires": 99})";

class Channels : public testing::Test {
protected:
    FakeBroker::Method gives(const char* reply) {
        return [this, reply](Call&) {
            Reply made = reply_of(reply);
            made.descriptors.push_back(peers_.connect());
            return made;
        };
    }
    static FakeBroker::Method verdict(const std::string& verdict) {
        return [verdict](Call&) { return whois_reply(verdict); };
    }
    // And then refuses.
    FakeBroker::Method gives_three_times(std::atomic<int>& served) {
        return [&served, give = gives(accepted)](Call& call) {
            if (++served <= 3) return give(call);
            return varlink::failure(client::broker_name, Error(Code::denied, Stage::policy, "enough"));
        };
    }
    static Ended ctl(const FakeBroker& broker, std::vector<std::string> arguments,
                     const std::string& input = {}) {
        std::vector<std::string> words{MUTUALCTL, "--socket", broker.socket()};
        words.insert(words.end(), arguments.begin(), arguments.end());
        return run({words, input});
    }

    Peers peers_;
};

TEST_F(Channels, OpenRelaysHalfClosesAndTellsAnAuthenticatedEnd) {
    FakeBroker broker({{"Open", gives(opened)}, {"WhoIs", verdict(R"("authenticated")")}});
    const Ended ended = ctl(broker, {"open", "ledger"}, "hello");
    EXPECT_EQ(ended.status, exit_ok);
    EXPECT_EQ(ended.output, "got: hello");
    EXPECT_EQ(ended.error, "mutualctl: end of stream: authenticated\n");
    EXPECT_EQ(broker.calls().at(1), R"(org.mutuald.Broker.WhoIs {"channel":"c-1"})");
}

TEST_F(Channels, OpenFailsUnlessTheEndWasAuthenticated) {
    for (const char* verdict_text :
         {R"("unauthenticated")", R"("reset")", R"("expired")", R"("denied")", "null"}) {
        FakeBroker broker({{"Open", gives(opened)}, {"WhoIs", verdict(verdict_text)}});
        const Ended ended = ctl(broker, {"--quiet", "open", "ledger"}, "hello");
        EXPECT_EQ(ended.status, exit_stream_cut) << verdict_text;
        EXPECT_EQ(ended.output, "got: hello");
        EXPECT_NE(ended.error.find("end of stream: "), std::string::npos);
    }
}

TEST_F(Channels, OpenFailsWhenNobodyKnowsHowTheStreamEnded) {
    FakeBroker broker({{"Open", gives(opened)}});
    const Ended ended = ctl(broker, {"open", "ledger"});
    EXPECT_EQ(ended.status, exit_stream_cut);
    EXPECT_NE(ended.error.find("is not known"), std::string::npos);
}

TEST_F(Channels, OpenExplainsOnStandardErrorWhenAsked) {
    FakeBroker broker({{"Open", gives(opened)}, {"WhoIs", verdict(R"("authenticated")")}});
    const Ended ended = ctl(broker, {"open", "ledger", "--explain"});
    EXPECT_EQ(ended.output, "got: ");
    EXPECT_NE(ended.error.find("0.1ms  policy  allowed   rule 'staff'"), std::string::npos) << ended.error;
    EXPECT_NE(ended.error.find("channel c-1: peer ledger/a@R"), std::string::npos);
}

TEST_F(Channels, OpenShowsTheReplyAsJsonOnStandardError) {
    FakeBroker broker({{"Open", gives(opened)}, {"WhoIs", verdict(R"("authenticated")")}});
    const Ended ended = ctl(broker, {"open", "ledger", "--json", "--quiet"}, "x");
    EXPECT_EQ(ended.output, "got: x");
    EXPECT_TRUE(ended.error.starts_with(R"({"channel":"c-1","peer":"ledger/a@R",)")) << ended.error;
}

TEST_F(Channels, OpenRunsACommandWithTheChannelAsDescriptor3) {
    FakeBroker broker({{"Open", gives(opened)}, {"WhoIs", verdict("null")}});
    const std::string script =
        "echo $MUTUAL_FD $MUTUAL_PEER $MUTUAL_SPN $MUTUAL_CHANNEL $MUTUAL_EXPIRES; cat; echo to peer >&3; "
        "exit 7";
    const Ended ended = ctl(broker, {"open", "ledger", "--", "sh", "-c", script}, "from stdin\n");
    EXPECT_EQ(ended.status, 7);
    EXPECT_EQ(ended.output, "3 ledger/a@R ledger/a c-1 99\nfrom stdin\n");
}

TEST_F(Channels, OpenByAnRpcProgramTellsTheCommandWhichServiceItIs) {
    FakeBroker broker({{"Open", gives(opened)}, {"WhoIs", verdict("null")}});
    const Ended ended = ctl(broker, {"open", "--rpc", "7:2@h", "--", "sh", "-c", "echo $MUTUAL_SERVICE"});
    EXPECT_EQ(ended.status, exit_ok) << ended.error;
    EXPECT_EQ(ended.output, "ledger\n");
    EXPECT_EQ(broker.calls().at(0),
              R"(org.mutuald.Broker.Open {"request":{"rpcProgram":7,"rpcVersion":2,"host":"h"}})");
}

TEST_F(Channels, OpenTellsTheSignalThatEndedTheCommand) {
    FakeBroker broker({{"Open", gives(opened)}, {"WhoIs", verdict("null")}});
    EXPECT_EQ(ctl(broker, {"open", "ledger", "--", "sh", "-c", "kill -9 $$"}).status, 137);
}

TEST_F(Channels, OpenTellsACommandThatIsNotThere) {
    FakeBroker broker({{"Open", gives(opened)}, {"WhoIs", verdict("null")}});
    const Ended ended = ctl(broker, {"open", "ledger", "--", "no-such-command-here"});
    EXPECT_EQ(ended.status, 127);
    EXPECT_NE(ended.error.find("cannot run 'no-such-command-here': No such file"), std::string::npos);
}

TEST_F(Channels, OpenFailsWhenACommandsStreamWasCut) {
    FakeBroker broker({{"Open", gives(opened)}, {"WhoIs", verdict(R"("reset")")}});
    const Ended ended = ctl(broker, {"open", "ledger", "--", "true"});
    EXPECT_EQ(ended.status, 8);
    EXPECT_EQ(ended.error, "mutualctl: end of stream: reset\n");
    EXPECT_EQ(ctl(broker, {"open", "ledger", "--", "false"}).status, 1);
}

TEST_F(Channels, AcceptRelaysOneChannel) {
    FakeBroker broker({{"Accept", gives(accepted)}, {"WhoIs", verdict(R"("authenticated")")}});
    const Ended ended = ctl(broker, {"accept", "ledger", "--timeout", "2.5"}, "hello");
    EXPECT_EQ(ended.status, exit_ok);
    EXPECT_EQ(ended.output, "got: hello");
    const std::string call = broker.calls().at(0);
    EXPECT_TRUE(call.starts_with(R"(org.mutuald.Broker.Accept {"service":"ledger","timeoutMilliseconds":2)"))
        << call;
}

TEST_F(Channels, AcceptGivesACommandTheChannelAsKncDoes) {
    FakeBroker broker({{"Accept", gives(accepted)}, {"WhoIs", verdict("null")}});
    const std::string script =
        "echo $KNC_CREDS $KNC_REMOTE_IP $KNC_REMOTE_PORT $MUTUAL_ADDRESS >&2;"
        "test /proc/self/fd/0 -ef /proc/self/fd/3 && echo answer";
    const Ended ended = ctl(broker, {"accept", "ledger", "--once", "--", "sh", "-c", script + "; exit 7"});
    EXPECT_EQ(ended.status, 7);
    EXPECT_EQ(ended.output, "");
    EXPECT_EQ(ended.error, "alice@R 10.0.0.9 4711 10.0.0.9\n");
}

TEST_F(Channels, AcceptRunsOneCommandForEachChannelUntilItIsRefused) {
    std::atomic<int> served = 0;
    FakeBroker broker({{"Accept", gives_three_times(served)}});
    const Ended ended = ctl(broker, {"accept", "ledger", "--parallel", "1", "--", "sh", "-c",
                                     "echo $MUTUAL_CHANNEL >&2; test /proc/self/fd/0 -ef /proc/self/fd/3 &&"
                                     "test /proc/self/fd/1 -ef /proc/self/fd/3 && exit 3"});
    EXPECT_EQ(ended.status, exit_denied);
    EXPECT_EQ(served, 4);
    EXPECT_EQ(ended.output, "");
    EXPECT_EQ(count(ended.error, "c-2\n"), 3U);
    EXPECT_EQ(count(ended.error, "ended with status 3"), 3U) << ended.error;
}

TEST_F(Channels, AcceptLeavesStandardInputAndOutputAloneWhenTold) {
    std::atomic<int> served = 0;
    FakeBroker broker({{"Accept", gives_three_times(served)}});
    const Ended ended = ctl(broker,
                            {"accept", "ledger", "--no-stdio", "--parallel", "1", "--", "sh", "-c",
                             "read line; echo $MUTUAL_FD $line"},
                            "1st\n2nd\n3rd\n");
    EXPECT_EQ(ended.status, exit_denied);
    EXPECT_EQ(ended.output, "3 1st\n3 2nd\n3 3rd\n");
}

TEST_F(Channels, AcceptThatIsRefusedWaitsForItsCommands) {
    std::atomic<int> served = 0;
    const auto give = gives_three_times(served);
    const std::string refused = testing::TempDir() + "refused." + std::to_string(::getpid());
    FakeBroker broker({{"Accept", [&](Call& call) {
                            Reply reply = give(call);
                            if (served > 3) std::ofstream{refused};
                            return reply;
                        }}});
    const std::string script = "until test -e " + refused + "; do sleep 0.01; done; echo served >&2";
    const Ended ended = ctl(broker, {"accept", "ledger", "--", "sh", "-c", script});
    EXPECT_EQ(ended.status, exit_denied);
    EXPECT_EQ(count(ended.error, "served\n"), 3U) << ended.error;
    std::filesystem::remove(refused);
}

TEST_F(Channels, AcceptAsksAgainWhenTheBrokerRestarts) {
    std::atomic<int> asked = 0;
    const auto give = gives(accepted);
    FakeBroker broker({{"Accept",
                        [&](Call& call) {
                            Reply lost;
                            lost.error = "hang up";
                            return ++asked < 3 ? std::move(lost) : give(call);
                        }},
                       {"WhoIs", verdict(R"("authenticated")")}});
    const Ended ended = ctl(broker, {"accept", "ledger"}, "again");
    EXPECT_EQ(ended.status, exit_ok);
    EXPECT_EQ(ended.output, "got: again");
    EXPECT_EQ(asked, 3);
}

}  // namespace
}  // namespace mutual::ctl
