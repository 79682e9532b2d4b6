// SPDX-License-Identifier: Apache-2.0
#include "plugins/scp/srv.h"

#include <gtest/gtest.h>

namespace mutual::scp {
namespace {

using Message = std::vector<unsigned char>;

void append(Message& message, const std::string& octets) {
    message.insert(message.end(), octets.begin(), octets.end());
}

// An answer to `_l._tcp.t` with these records; targets are single labels.
Message answer(const std::vector<SrvRecord>& records) {
    Message message{0, 1, 0x81, 0x80, 0, 1, 0, static_cast<unsigned char>(records.size()), 0, 0, 0, 0};
    append(message, std::string("\2_l\4_tcp\1t\0\0\41\0\1", 15));
    for (const auto& record : records) {
        append(message, std::string("\xc0\x0c\0\41\0\1\0\0\0\74", 10));
        const auto label = record.target.size();
        const auto length = 6 + (label ? label + 2 : 1);
        const auto put = [&](std::size_t n) {
            message.push_back(static_cast<unsigned char>(n >> 8));
            message.push_back(static_cast<unsigned char>(n));
        };
        put(length);
        put(record.priority);
        put(record.weight);
        put(record.port);
        if (label) message.push_back(static_cast<unsigned char>(label));
        append(message, record.target);
        message.push_back(0);
    }
    return message;
}

TEST(Srv, FT_049_ReadsTheRecordsOfAnAnswer) {
    const std::vector<SrvRecord> records{{"a", 389, 0, 5}, {"b", 390, 1, 0}};
    EXPECT_EQ(parse_srv(answer(records)).value(), records);
    auto mixed = answer(records);
    mixed[12 + 15 + 3] = 5;  // the type of the first: CNAME
    EXPECT_EQ(parse_srv(mixed).value(), std::vector<SrvRecord>{records[1]});
}

TEST(DnsName, HasNoEmptyLabelButTheRoot) {
    for (const char* good : {"a", "a.", "_l._tcp.app-1.test", "a.b."}) EXPECT_TRUE(is_dns_name(good)) << good;
    for (const char* bad : {"", ".", "..", "a..", ".a", "a..b", "a/b", "a b", "a@b", "\xc3\xa4"})
        EXPECT_FALSE(is_dns_name(bad)) << bad;
}

TEST(Srv, PassesOverARecordThatSaysNotAvailable) {
    EXPECT_TRUE(parse_srv(answer({{"", 389, 0, 0}})).value().empty());
    EXPECT_TRUE(parse_srv(answer({{"a", 0, 0, 0}})).value().empty());
}

TEST(Srv, SurvivesAnAnswerCutAnywhere) {
    const auto whole = answer({{"a", 389, 0, 5}, {"b", 390, 1, 0}});
    for (std::size_t length = 0; length < whole.size(); ++length)
        EXPECT_FALSE(parse_srv(std::span(whole).first(length)).ok()) << length;
}

TEST(Srv, FT_049_OrdersByPriorityAndDrawsByWeight) {
    const std::vector<SrvRecord> records{
        {"late", 1, 2, 0}, {"heavy", 1, 1, 9}, {"light", 1, 1, 1}, {"none", 1, 1, 0}};
    const auto highest = [](std::uint32_t n) { return n; };
    const auto lowest = [](std::uint32_t) { return 0U; };
    EXPECT_EQ(ordered(records, lowest).front().target, "none");
    EXPECT_EQ(ordered(records, highest).front().target, "light");
    EXPECT_EQ(ordered(records, highest).back().target, "late");
    EXPECT_EQ(ordered(records, [](std::uint32_t n) { return n / 2; }).front().target, "heavy");
}

}  // namespace
}  // namespace mutual::scp
