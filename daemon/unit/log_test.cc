// SPDX-License-Identifier: Apache-2.0
#include "daemon/unit/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "varlink/unique_fd.h"

namespace mutual::unit {
namespace {

TEST(Log, DropsLinesBelowItsThreshold) {
    std::vector<std::string> seen;
    const Log log([&seen](const LogLine& line) { seen.emplace_back(line.message); }, Priority::notice);
    log.info("dropped");
    log.notice("kept");
    log.error("kept too");
    EXPECT_EQ(seen, (std::vector<std::string>{"kept", "kept too"}));
}

TEST(Log, WritesOneReadableLine) {
    const LogFields fields{
        {Field::service, "ledger"}, {Field::peer, "bad\npeer"}, {Field::caller_uid, "1000"}};
    const LogLine line{Priority::warning, "refused:\nhim", fields};
    const std::chrono::system_clock::time_point at{std::chrono::milliseconds(1'700'000'000'042)};
    EXPECT_EQ(
        readable_line(line, "mutuald", 7, at),
        R"(2023-11-14T22:13:20.042Z mutuald[7] warning: refused:\nhim service=ledger peer="bad\npeer" caller_uid=1000)");
}

TEST(Log, GivesTheJournalOneEntryForEachField) {
    const LogFields fields{{Field::rule, "r1"}, {Field::request, "x\nPRIORITY=0"}};
    const LogLine line{Priority::info, "done", fields};
    EXPECT_EQ(journal_entries(line, "mutuald"),
              (std::vector<std::string>{"MESSAGE=done", "PRIORITY=6", "SYSLOG_IDENTIFIER=mutuald",
                                        "MUTUALD_RULE=r1", R"(MUTUALD_REQUEST=x\nPRIORITY=0)"}));
}

TEST(Log, GivesADecisionTheIdOfItsKind) {
    const LogFields fields{{Field::decision, "opened"}, {Field::service, "ledger"}};
    const LogLine line{Priority::info, "opened", fields};
    EXPECT_EQ(journal_entries(line, "mutuald").at(3), "MESSAGE_ID=d7e98c1b5c2f4c0fb6a1f9a0c2de1a01");
}

TEST(Log, KnowsTheJournalByItsDeviceAndInode) {
    const UniqueFd null{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    struct stat status {};
    ASSERT_EQ(::fstat(null.value(), &status), 0);
    const std::string stream = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
    EXPECT_TRUE(is_journal_stream(null.value(), stream.c_str()));
    EXPECT_FALSE(is_journal_stream(null.value(), (stream + "1").c_str()));
    EXPECT_FALSE(is_journal_stream(null.value(), nullptr));
}

}  // namespace
}  // namespace mutual::unit
