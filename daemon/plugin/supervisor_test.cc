// SPDX-License-Identifier: Apache-2.0
// The real program with real children that crash, hang, throw and lie.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>

#include "daemon/plugin/supervised.h"
#include "varlink/interfaces.h"

namespace mutual::plugin {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using varlink::Reply;

std::size_t candidates(const Reply& reply) { return reply.parameters.at("candidates").as_array().size(); }
std::string problem(const Reply& reply, const char* field) {
    const auto* found = reply.parameters.if_contains("problem");
    return found ? std::string(found->at(field).as_string()) : std::string();
}
std::string notes(const Reply& reply) { return boost::json::serialize(reply.parameters.at("notes")); }

TEST(Supervisor, GivesWhatThePluginFoundAndKeepsItsProcess) {
    const Supervised program(wild_section("wild", "", 1));
    const auto first = program.find("wild", "answer");
    EXPECT_EQ(first.error, "");
    EXPECT_EQ(candidates(first), 1U);
    EXPECT_EQ(notes(first), "[\"a note\"]");
    EXPECT_TRUE(first.parameters.at("complete").as_bool());
    EXPECT_EQ(finder_pid(program.find("wild", "answer")), finder_pid(first));
    EXPECT_EQ(program.status("wild").at("state").as_string(), "ready");
    EXPECT_EQ(program.status("wild").at("version").as_string(), "0.1");
}

TEST(Supervisor, PassesOnThePluginsOwnProblem) {
    const Supervised program(wild_section("wild"));
    const auto reply = program.find("wild", "fail");
    EXPECT_EQ(problem(reply, "code"), "DiscoveryFailed");
    EXPECT_EQ(problem(reply, "message"), "ask the directory: it said no");
    EXPECT_EQ(problem(reply, "hint"), "ask again");
    EXPECT_FALSE(reply.parameters.at("complete").as_bool());
    EXPECT_EQ(program.status("wild").at("failures").as_int64(), 0);
}

TEST(Supervisor, ACrashCostsOneCallAndKeepsWhatWasFound) {
    const Supervised program(wild_section("wild"));
    const auto reply = program.find("wild", "crash");
    EXPECT_EQ(problem(reply, "code"), "PluginFailed");
    EXPECT_EQ(problem(reply, "message"),
              "plugin wild: its process was killed by signal 11 (Segmentation fault) while it searched");
    EXPECT_EQ(candidates(reply), 1U);
    EXPECT_TRUE(vanishes(finder_pid(reply)));
    EXPECT_TRUE(program.reaches("wild", "ready"));
    EXPECT_EQ(candidates(program.find("wild", "answer")), 1U);
}

TEST(Supervisor, ACrashLoopIsSlowedDownAndSaysWhy) {
    const Supervised program(wild_section("wild"));
    std::set<std::string> messages;
    std::string hints;
    for (int i = 0; i < 20; ++i) {
        const auto reply = program.find("wild", "leave");
        EXPECT_EQ(problem(reply, "code"), "PluginFailed");
        messages.insert(problem(reply, "message"));
        hints += problem(reply, "hint");
    }
    EXPECT_EQ(messages,
              std::set<std::string>{"plugin wild: its process ended with status 7 while it searched"});
    EXPECT_NE(hints.find("it is tried again in "), hints.npos) << hints;
    EXPECT_LT(program.status("wild").at("failures").as_int64(), 20);
    EXPECT_EQ(program.status("wild").at("state").as_string(), "backoff");
}

TEST(Supervisor, AHangIsKilledAtTheDeadlineAndKeepsWhatWasFound) {
    const Supervised program(wild_section("wild"));
    program.find("wild", "answer");
    const auto began = steady_clock::now();
    const auto reply = program.find("wild", "hang", 300);
    const auto took = steady_clock::now() - began;
    EXPECT_GE(took, milliseconds(290));
    EXPECT_LT(took, milliseconds(800));
    EXPECT_EQ(problem(reply, "code"), "TimedOut");
    EXPECT_EQ(candidates(reply), 1U);
    EXPECT_FALSE(reply.parameters.at("complete").as_bool());
    EXPECT_TRUE(vanishes(finder_pid(reply)));
    EXPECT_EQ(candidates(program.find("wild", "answer")), 1U);
}

TEST(Supervisor, AnExceptionIsOneClearError) {
    const Supervised program(wild_section("wild"));
    EXPECT_EQ(problem(program.find("wild", "throw"), "message"), "plugin wild threw: a wild thing");
    EXPECT_EQ(problem(program.find("wild", "throw-number"), "message"),
              "plugin wild threw: something unknown");
    EXPECT_EQ(problem(program.find("wild", "throw"), "code"), "PluginFailed");
}

TEST(Supervisor, AFloodIsCutToWhatWasAskedFor) {
    const Supervised program(wild_section("wild"));
    const auto reply = program.find("wild", "flood", 20'000);
    EXPECT_EQ(problem(reply, "message"), "");
    EXPECT_EQ(candidates(reply), 100U);
    EXPECT_EQ(reply.parameters.at("notes").as_array().size(), 100U);
}

TEST(Supervisor, GarbageIsPassedOverWithANote) {
    const Supervised program(wild_section("wild"));
    const auto reply = program.find("wild", "garbage");
    ASSERT_EQ(candidates(reply), 1U) << boost::json::serialize(reply.parameters);
    EXPECT_EQ(reply.parameters.at("candidates").at(0).at("host").as_string(), "good.test");
    EXPECT_EQ(reply.parameters.at("notes").as_array().size(), 6U);
    EXPECT_NE(notes(reply).find("its ttl is out of range"), std::string::npos);
}

TEST(Supervisor, AFinderThatBreaksTheProtocolIsReplaced) {
    const Supervised program(wild_section("wild"));
    EXPECT_NE(problem(program.find("wild", "nonsense"), "message").find("broke the protocol"),
              std::string::npos);
    EXPECT_TRUE(program.reaches("wild", "ready"));
    EXPECT_EQ(problem(program.find("wild", "close"), "code"), "PluginFailed");
    EXPECT_TRUE(program.reaches("wild", "ready"));
    EXPECT_EQ(candidates(program.find("wild", "answer")), 1U);
}

TEST(Supervisor, AFinderThatWritesWithoutAnEndStopsNobodyElse) {
    const Supervised program(wild_section("wild") + wild_section("quick"));
    EXPECT_NE(problem(program.find("wild", "endless", 20'000), "message").find("broke the protocol"),
              std::string::npos);
    EXPECT_EQ(candidates(program.find("quick", "answer")), 1U);
}

TEST(Supervisor, ACallerThatHangsUpKillsTheWork) {
    const Supervised program(wild_section("wild", "", 1));
    const auto pid = finder_pid(program.find("wild", "answer"));
    {
        const auto connection = program.call(Supervised::find_call("wild", "hang", 60'000));
        // The only finder is busy now: this call waits for it in vain.
        EXPECT_EQ(problem(program.find("wild", "answer", 100), "message"),
                  "plugin wild: no finder was free within the time");
    }
    EXPECT_TRUE(vanishes(pid));
    EXPECT_EQ(candidates(program.find("wild", "answer")), 1U);
}

TEST(Supervisor, CallsThatWaitAreServedWhenAFinderIsFree) {
    const Supervised program(wild_section("wild", "", 1));
    auto hanging = program.call(Supervised::find_call("wild", "hang", 300));
    std::vector<varlink::BlockingConnection> waiting;
    waiting.reserve(10);
    for (int i = 0; i < 10; ++i)
        waiting.push_back(program.call(Supervised::find_call("wild", "answer", 10'000)));
    for (auto& each : waiting)
        EXPECT_EQ(candidates(each.next(steady_clock::now() + milliseconds(10'000)).value()), 1U);
    EXPECT_EQ(problem(hanging.next().value(), "code"), "TimedOut");
}

TEST(Supervisor, AStuckPluginDoesNotDelayAnother) {
    const Supervised program(wild_section("stuck") + wild_section("quick"));
    const auto one = program.call(Supervised::find_call("stuck", "hang", 60'000));
    const auto two = program.call(Supervised::find_call("stuck", "hang", 60'000));
    const auto began = steady_clock::now();
    EXPECT_EQ(candidates(program.find("quick", "answer")), 1U);
    EXPECT_LT(steady_clock::now() - began, milliseconds(2000));
}

TEST(Supervisor, AnIdleFinderThatDiedIsReplacedWithoutAnError) {
    const Supervised program(wild_section("wild", "", 1));
    const auto pid = finder_pid(program.find("wild", "answer"));
    ::kill(pid, SIGKILL);
    ASSERT_TRUE(vanishes(pid));
    const auto reply = program.find("wild", "answer");
    EXPECT_EQ(problem(reply, "message"), "");
    EXPECT_NE(finder_pid(reply), pid);
}

TEST(Supervisor, RemembersAPluginThatDoesNotLoad) {
    const Supervised program("[plugin.gone]\nkind = \"discovery\"\npath = \"/nonexistent/gone.so\"\n" +
                             wild_section("dies", "crash") + wild_section("refuses", "unavailable"));
    EXPECT_TRUE(program.reaches("gone", "failed"));
    EXPECT_EQ(problem(program.find("gone", "answer"), "code"), "InvalidConfiguration");
    EXPECT_NE(problem(program.find("gone", "answer"), "message").find("/nonexistent"), std::string::npos);
    EXPECT_TRUE(program.reaches("dies", "failed"));
    EXPECT_EQ(problem(program.find("dies", "answer"), "message"),
              "plugin dies: its process was killed by signal 6 (Aborted) while it was being loaded");
    EXPECT_TRUE(program.reaches("refuses", "failed"));
    EXPECT_EQ(problem(program.find("refuses", "answer"), "message"), "start wild: not today");
    EXPECT_EQ(program.status("refuses").at("problem").at("message").as_string(), "start wild: not today");
}

TEST(Supervisor, APluginThatHangsWhileLoadingIsKilledAtTheDeadline) {
    const Supervised program(wild_section("wild", "hang"));
    EXPECT_EQ(problem(program.find("wild", "answer", 200), "code"), "TimedOut");
    // The haste of one caller does not make the next one wait for a back-off.
    const auto hint = problem(program.find("wild", "answer", 200), "hint");
    EXPECT_EQ(hint.find("tried again"), hint.npos) << hint;
}

TEST(Supervisor, RefusesAPluginThatItDoesNotKnowAndAnotherVersion) {
    const Supervised program("");
    EXPECT_EQ(program.find("wild", "answer").error, "org.mutuald.Plugins.InvalidConfiguration");
    auto call = Supervised::find_call("wild", "answer", 1000);
    call.parameters["version"] = varlink::internal_version + 1;
    EXPECT_EQ(program.answer(std::move(call)).error, "org.mutuald.Plugins.Unavailable");
    auto nameless = Supervised::find_call("wild", "answer", 1000);
    nameless.parameters.erase("query");
    EXPECT_EQ(program.answer(std::move(nameless)).error, "org.mutuald.Plugins.InvalidRequest");
}

TEST(Supervisor, AReloadUsesNewPluginsAndKeepsTheOthers) {
    Supervised program(wild_section("wild", "", 1));
    const auto pid = finder_pid(program.find("wild", "answer"));
    program.reload(wild_section("wild", "", 1) + wild_section("other"));
    EXPECT_EQ(finder_pid(program.find("wild", "answer")), pid);
    while (program.status("other").empty()) continue;
    EXPECT_EQ(candidates(program.find("other", "answer")), 1U);
    program.reload("[plugin.wild]\nkind = 7\n");
    EXPECT_EQ(finder_pid(program.find("wild", "answer")), pid);
}

TEST(Supervisor, WhatWasPreparedIsUsedByASecondCallOnTheSameConnectionOnly) {
    const Supervised program("");
    const auto before = program.fingerprint();
    const auto in_use = [&program] {
        varlink::Call call;
        call.method = "org.mutuald.Plugins.Status";
        call.parameters["version"] = varlink::internal_version;
        return std::string(program.answer(std::move(call)).parameters.at("fingerprint").as_string());
    };
    EXPECT_EQ(in_use(), before);
    program.write(wild_section("wild"));
    const auto after = program.fingerprint();
    EXPECT_NE(after, before);
    const auto deadline = steady_clock::now() + std::chrono::seconds(10);
    const auto prepare = [&](const std::string& fingerprint) {
        return Supervised::configuration_call("PrepareConfiguration", fingerprint);
    };
    const auto use = [&] { return Supervised::configuration_call("UseConfiguration", after); };

    EXPECT_FALSE(program.answer(prepare(before)).parameters.at("isSame").as_bool());
    EXPECT_EQ(program.answer(use()).error, "org.mutuald.Plugins.NotFound");
    auto prepared = program.call(prepare(after));
    EXPECT_TRUE(prepared.next(deadline)->parameters.at("isSame").as_bool());
    EXPECT_EQ(in_use(), before);
    EXPECT_TRUE(program.status("wild").empty());
    EXPECT_EQ(program.answer(use()).error, "org.mutuald.Plugins.NotFound") << "another connection's";
    const auto used = prepared.call(use(), deadline);
    ASSERT_TRUE(used);
    EXPECT_EQ(used->error, "");
    EXPECT_EQ(in_use(), after);
    EXPECT_EQ(candidates(program.find("wild", "answer")), 1U);
    EXPECT_FALSE(prepared.call(use(), deadline)) << "used already";
}

TEST(Supervisor, WhatWasPreparedIsDroppedWhenAnotherIsAndAWrongOneIsRefused) {
    const Supervised program("");
    const auto fingerprint = program.fingerprint();
    const auto deadline = steady_clock::now() + std::chrono::seconds(10);
    auto prepared = program.call(Supervised::configuration_call("PrepareConfiguration", fingerprint));
    EXPECT_TRUE(prepared.next(deadline)->parameters.at("isSame").as_bool());
    program.write("[plugin.wild]\nkind = 7\n");
    EXPECT_EQ(program.answer(Supervised::configuration_call("PrepareConfiguration", "1")).error,
              "org.mutuald.Plugins.InvalidConfiguration");
    const auto used =
        prepared.call(Supervised::configuration_call("UseConfiguration", fingerprint), deadline);
    ASSERT_FALSE(used);
    EXPECT_EQ(used.error().code, Code::not_found);
}

TEST(Supervisor, AFinderHasACleanEnvironmentAndOnlyItsTickets) {
    ::setenv("MUTUALD_SECRET", "leaked", 1);
    const Supervised program(wild_section("wild"));
    auto call = Supervised::find_call("wild", "environment", 5000);
    call.parameters["ticketsFileDescriptor"] = 0;
    call.parameters["ticketsPrincipal"] = "search@MUTUAL.TEST";
    call.descriptors.emplace_back(::memfd_create("tickets", MFD_CLOEXEC));
    const auto text = notes(program.answer(std::move(call)));
    EXPECT_EQ(text.find("leaked"), text.npos);
    EXPECT_EQ(text.find("NOTIFY_SOCKET"), text.npos);
    EXPECT_NE(text.find("LDAPNOINIT=1"), text.npos);
    // The first descriptor is its Kerberos configuration, which comes before the host's.
    EXPECT_NE(text.find("KRB5_CONFIG=/proc/self/fd/4:/etc/krb5.conf"), text.npos) << text;
    EXPECT_NE(text.find("tickets FILE:/proc/self/fd/5 of search@MUTUAL.TEST"), text.npos) << text;
    EXPECT_NE(text.find("\"fd 5\""), text.npos);
    EXPECT_EQ(text.find("\"fd 6\""), text.npos);
    EXPECT_EQ(notes(program.find("wild", "environment")).find("\"fd 5"), std::string::npos);
}

TEST(Supervisor, ResolvesHostNamesToNumbers) {
    const Supervised program("");
    const auto resolve = [&](const std::string& host) {
        varlink::Call call;
        call.method = "org.mutuald.Plugins.Resolve";
        call.parameters["version"] = varlink::internal_version;
        call.parameters["host"] = host;
        call.parameters["timeoutMilliseconds"] = 5000;
        return program.answer(std::move(call));
    };
    EXPECT_EQ(boost::json::serialize(resolve("192.0.2.7").parameters.at("addresses")), "[\"192.0.2.7\"]");
    EXPECT_EQ(boost::json::serialize(resolve("2001:db8::7").parameters.at("addresses")), "[\"2001:db8::7\"]");
    EXPECT_EQ(resolve("no such host").error, "org.mutuald.Plugins.Unreachable");
}

TEST(Supervisor, ItsDeathEndsItsFinders) {
    pid_t finder = -1;
    {
        const Supervised program(wild_section("wild"));
        finder = finder_pid(program.find("wild", "answer"));
    }
    EXPECT_TRUE(vanishes(finder));
}

}  // namespace
}  // namespace mutual::plugin
