// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/monitor.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>

namespace mutual::broker {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using unit::Field;

class MonitorTest : public ::testing::Test {
protected:
    void tell(uid_t uid, const std::string& message, bool decides = true) {
        unit::LogFields fields{{Field::caller_uid, std::to_string(uid)}};
        if (decides) fields.push_back({Field::decision, "opened"});
        monitor_.tell({unit::Priority::info, message, fields});
    }
    // The messages that are there now.
    std::vector<json::object> events(const std::shared_ptr<Monitor::Watcher>& watcher) {
        std::vector<json::object> all;
        asio::co_spawn(loop_, read(watcher, all), [](std::exception_ptr) {});
        loop_.restart();
        loop_.poll();
        return all;
    }

    asio::io_context loop_{1};
    Monitor monitor_{loop_};

private:
    static asio::awaitable<void> read(std::shared_ptr<Monitor::Watcher> watcher,
                                      std::vector<json::object>& into) {
        for (;;) {
            json::object event = co_await watcher->next();
            into.push_back(std::move(event));
        }
    }
};

TEST_F(MonitorTest, TellsEachItsOwnAndAdministratorsAll) {
    const auto alice = monitor_.watch(1001, false);
    const auto root = monitor_.watch(0, true);
    tell(1001, "hers");
    tell(1002, "his");
    const auto hers = events(alice);
    ASSERT_EQ(hers.size(), 1U);
    EXPECT_EQ(hers[0].at("message").as_string(), "hers");
    EXPECT_EQ(hers[0].at("callerUid").as_int64(), 1001);
    EXPECT_EQ(hers[0].at("decision").as_string(), "opened");
    EXPECT_EQ(events(root).size(), 2U);
}

TEST_F(MonitorTest, LinesWithoutADecisionAreNoEvents) {
    const auto root = monitor_.watch(0, true);
    tell(1001, "ready", false);
    EXPECT_TRUE(events(root).empty());
}

TEST_F(MonitorTest, AWatcherThatDoesNotReadLosesEventsAndIsToldHowMany) {
    const auto root = monitor_.watch(0, true);
    for (std::size_t i = 0; i < Monitor::most_waiting + 5; ++i) tell(1, std::to_string(i));
    const auto all = events(root);
    ASSERT_EQ(all.size(), Monitor::most_waiting);
    EXPECT_EQ(all[0].at("lost").as_int64(), 5);
    EXPECT_FALSE(all[1].contains("lost"));
}

}  // namespace
}  // namespace mutual::broker
