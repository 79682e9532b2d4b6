// SPDX-License-Identifier: Apache-2.0
#include "plugins/scp/binding.h"

#include <gtest/gtest.h>

namespace mutual::scp {
namespace {

TEST(Binding, ReadsADecimalPort) {
    EXPECT_EQ(parse_binding("7010").value(), (Binding{7010, 0, 0}));
    EXPECT_EQ(parse_binding("1").value().port, 1);
    EXPECT_EQ(parse_binding("65535").value().port, 65535);
}

TEST(Binding, ReadsPriorityAndWeightInAnyOrder) {
    EXPECT_EQ(parse_binding("port=7010;priority=10;weight=5").value(), (Binding{7010, 10, 5}));
    EXPECT_EQ(parse_binding("weight=0;port=7010").value(), (Binding{7010, 0, 0}));
}

TEST(Binding, FT_052_RefusesWhatItDoesNotUnderstandInsteadOfGuessing) {
    for (const char* text : {"",
                             "0",
                             "70000",
                             "65536",
                             "-1",
                             "+1",
                             " 7010",
                             "7010 ",
                             "7010x",
                             "0x1b62",
                             "07010",
                             "7010,7011",
                             "http://a/",
                             "ncacn_ip_tcp:app1[7010]",
                             "port=",
                             "port=0",
                             "port=70000",
                             "port=x",
                             "port=7010;",
                             "port=7010;port=7011",
                             "priority=1",
                             "port=7010;colour=red",
                             "port=7010 ;weight=1",
                             "port=7010;weight=65536",
                             "=7010",
                             "99999999999999999999"})
        EXPECT_FALSE(parse_binding(text).ok()) << text;
    EXPECT_FALSE(parse_binding(std::string_view("7010\0", 5)).ok());
}

TEST(Binding, FT_052_SaysWhatIsWrong) {
    EXPECT_EQ(parse_binding("70000").error().message, "it is not a port from 1 to 65535");
    EXPECT_EQ(parse_binding("0").error().message, "its port is 0");
    EXPECT_EQ(parse_binding("priority=1").error().message, "it names no port");
}

}  // namespace
}  // namespace mutual::scp
