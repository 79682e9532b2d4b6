// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/caller_unit.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace mutual::broker {
namespace {

TEST(CallerUnit, ReadsTheUnifiedHierarchy) {
    EXPECT_EQ(unit_of_cgroups("0::/system.slice/backup.service\n"), "backup.service");
    EXPECT_EQ(unit_of_cgroups("0::/system.slice/system-worker.slice/worker@1.service\n"), "worker@1.service");
    EXPECT_EQ(unit_of_cgroups("0::/batch.slice/batch-night.slice/night.service"), "night.service");
    EXPECT_EQ(unit_of_cgroups("0::/odd.service\n"), "odd.service");
}

TEST(CallerUnit, ReadsVersionOneAndHybrid) {
    EXPECT_EQ(unit_of_cgroups("12:memory:/\n1:name=systemd:/system.slice/a.service\n"), "a.service");
    EXPECT_EQ(unit_of_cgroups("1:name=systemd:/system.slice/a.service\n0::/system.slice/a.service\n"),
              "a.service");
    EXPECT_EQ(unit_of_cgroups("0::/\n1:name=systemd:/system.slice/a.service\n"), "a.service");
    EXPECT_EQ(unit_of_cgroups("12:cpu,cpuacct:/system.slice/a.service\n"), "") << "no hierarchy of systemd's";
    EXPECT_EQ(unit_of_cgroups("1:name=systemd:/system.slice/a.service\n0::/system.slice/b.service\n"), "");
    EXPECT_EQ(unit_of_cgroups("1:name=systemd:/user.slice\n0::/system.slice/b.service\n"), "");
}

TEST(CallerUnit, KeepsEscapesOfNamesAndUndoesThoseOfGroups) {
    EXPECT_EQ(unit_of_cgroups("0::/system.slice/a\\x2db.service\n"), "a\\x2db.service");
    EXPECT_EQ(unit_of_cgroups("0::/system.slice/_cpu.service\n"), "cpu.service");
    EXPECT_EQ(unit_of_cgroups("0::/system.slice/__x.service\n"), "_x.service");
}

TEST(CallerUnit, TakesTheOuterOneOfWhatAUnitMakesBelowItself) {
    EXPECT_EQ(unit_of_cgroups("0::/system.slice/a.service/init.scope\n"), "a.service");
    EXPECT_EQ(unit_of_cgroups("0::/system.slice/a.service/system.slice/backup.service\n"), "a.service");
}

TEST(CallerUnit, IsNoneOfUsersScopesAndContainers) {
    EXPECT_EQ(unit_of_cgroups("0::/user.slice/user-1000.slice/user@1000.service/app.slice/backup.service\n"),
              "");
    EXPECT_EQ(unit_of_cgroups("0::/user.slice/user-1000.slice/session-1.scope\n"), "");
    EXPECT_EQ(unit_of_cgroups("0::/machine.slice/machine-x.scope/payload/system.slice/backup.service\n"), "");
    EXPECT_EQ(unit_of_cgroups("0::/init.scope/backup.service\n"), "");
    EXPECT_EQ(unit_of_cgroups("0::/docker/0123/system.slice/backup.service\n"), "");
}

TEST(CallerUnit, IsNoneOfWhatIsNotAName) {
    for (const char* text :
         {"", "\n", "0", "0:", "0::", "0::/", "0::/system.slice", "0::system.slice/a.service",
          "0::/../system.slice/a.service", "0::/system.slice//a.service",
          "0::/system.slice/a.service (deleted)", "0::/system.slice/.service", "0::/system.slice/@1.service",
          "0::/system.slice/a b.service"})
        EXPECT_EQ(unit_of_cgroups(text), "") << text;
    EXPECT_EQ(unit_of_cgroups("0::/system.slice/" + std::string(300, 'a') + ".service\n"), "");
}

std::string own_unit() {
    std::ifstream file("/proc/self/cgroup");
    std::stringstream text;
    text << file.rdbuf();
    return unit_of_cgroups(text.str());
}

class CallerProcess : public testing::TestWithParam<config::UnitLookup> {
protected:
    std::pair<UniqueFd, UniqueFd> ends_ = std::move(*varlink::socket_pair());
    Caller caller_ = *varlink::peer_credentials(ends_.first.value());
};

TEST_P(CallerProcess, IsFoundWhileItLives) {
    const Result<std::string> unit = find_caller_unit(ends_.first.value(), caller_, GetParam());
    ASSERT_TRUE(unit) << unit.error().message;
    EXPECT_EQ(*unit, own_unit());
}

// The pair's maker is who the kernel names; it is gone when the pair is looked at.
TEST_P(CallerProcess, IsUnknownOnceItHasEnded) {
    std::pair<UniqueFd, UniqueFd> carrier = std::move(*varlink::socket_pair());
    const pid_t child = ::fork();
    if (child == 0) {
        std::vector<UniqueFd> made;
        auto pair = varlink::socket_pair();
        made.push_back(std::move(pair->first));
        std::size_t sent = 0;
        varlink::send_some(carrier.second.value(), "x", made, sent);
        ::_exit(0);
    }
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    std::string bytes;
    std::vector<UniqueFd> passed;
    ASSERT_EQ(varlink::receive_some(carrier.first.value(), bytes, passed, 1), varlink::Transfer::done);
    const Caller caller = *varlink::peer_credentials(passed[0].value());
    ASSERT_EQ(caller.pid, child);
    const Result<std::string> unit = find_caller_unit(passed[0].value(), caller, GetParam());
    ASSERT_FALSE(unit);
    EXPECT_NE(unit.error().message.find("has ended"), std::string::npos) << unit.error().message;
}

INSTANTIATE_TEST_SUITE_P(EitherWay, CallerProcess,
                         testing::Values(config::UnitLookup::pidfd, config::UnitLookup::proc));

TEST(CallerUnit, IsUnknownOfAPidThatIsYoungerThanTheConnection) {
    const auto ends = std::move(*varlink::socket_pair());
    Caller caller = *varlink::peer_credentials(ends.first.value());
    caller.seen_at = std::chrono::nanoseconds(1);
    const Result<std::string> unit = find_caller_unit(ends.first.value(), caller, config::UnitLookup::proc);
    ASSERT_FALSE(unit);
    EXPECT_NE(unit.error().message.find("started after"), std::string::npos) << unit.error().message;
}

TEST(CallerUnit, IsUnknownOfAPidThatIsAnotherUsersNow) {
    const auto ends = std::move(*varlink::socket_pair());
    Caller caller = *varlink::peer_credentials(ends.first.value());
    ++caller.uid;
    const Result<std::string> unit = find_caller_unit(ends.first.value(), caller, config::UnitLookup::proc);
    ASSERT_FALSE(unit);
    EXPECT_NE(unit.error().message.find("as another user"), std::string::npos) << unit.error().message;
}

TEST_P(CallerProcess, IsNotSaidToHaveEndedForWantOfDescriptors) {
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit none = before;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_NOFILE, &none);
    const Result<std::string> unit = find_caller_unit(ends_.first.value(), caller_, GetParam());
    ::setrlimit(RLIMIT_NOFILE, &before);
    ASSERT_FALSE(unit);
    EXPECT_EQ(unit.error().code, Code::limit) << unit.error().message;
}

TEST(CallerUnit, AsksOnceAndOnlyWhenAsked) {
    int asked = 0;
    // On the heap: GCC 12 otherwise believes that it sees an uninitialized value in the empty optional.
    const auto unit = std::make_unique<CallerUnit>([&asked]() -> Result<std::string> {
        ++asked;
        return std::string("a.service");
    });
    EXPECT_EQ(unit->known(), "");
    EXPECT_EQ(asked, 0);
    EXPECT_EQ(*unit->name(), "a.service");
    EXPECT_EQ(*unit->name(), "a.service");
    EXPECT_EQ(unit->known(), "a.service");
    EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace mutual::broker
