// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/history.h"

#include <gtest/gtest.h>

namespace mutual::broker {
namespace {

PastRequest past(int number, std::size_t size = 10) {
    Explanation explanation(std::to_string(number), "ledger", 1000, Explanation::Clock::now());
    explanation.add(Stage::policy, "allowed", std::string(size, 'x'));
    return {"Open", "Ok", {}, {}, std::move(explanation), 0};
}

TEST(History, FindsWhatWasAddedAndNothingElse) {
    History history;
    history.add(past(1));
    history.add(past(2));
    ASSERT_TRUE(history.find("2"));
    EXPECT_EQ(history.find("2")->explanation.request(), "2");
    EXPECT_FALSE(history.find("3"));
    EXPECT_FALSE(history.find(""));
}

TEST(History, ForgetsTheOldestOnesFirst) {
    History history;
    for (int i = 0; i < static_cast<int>(History::most) + 5; ++i) history.add(past(i));
    EXPECT_EQ(history.size(), History::most);
    EXPECT_FALSE(history.find("4"));
    EXPECT_TRUE(history.find("5"));
}

TEST(History, IsBoundedInOctetsToo) {
    History history;
    for (int i = 0; i < 100; ++i) history.add(past(i, 1024 * 1024));
    EXPECT_LE(history.size(), History::most_octets / (1024 * 1024));
    EXPECT_TRUE(history.find("99"));
    history.add(past(100, 2 * History::most_octets));
    EXPECT_EQ(history.size(), 1U) << "the last one is kept, whatever its size";
    EXPECT_TRUE(history.find("100"));
}

}  // namespace
}  // namespace mutual::broker
