// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/ticket_keeper.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>

namespace mutual::keys {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string batch = "batch@KEYS.TEST";
const std::string ledger = "ledger/app1.keys.test@KEYS.TEST";

// In the place of the fetchers and the KDC: counts what it is asked for, and answers as it is told to.
class Kdc {
public:
    explicit Kdc(asio::io_context& loop) : loop_(loop) {}

    asio::awaitable<Result<Fetched>> fetch(Source, Wanted wanted, milliseconds) {
        if (!wanted.target.empty()) {
            used = wanted.granting;
            Fetched service{Ticket{{}, batch, wanted.target, 0, wanted.granting->end}, false};
            co_return std::move(service);
        }
        ++asked;
        asio::steady_timer answer(loop_, delay);
        co_await answer.async_wait(asio::use_awaitable);
        if (throws) throw std::runtime_error("out of something");
        if (failure) co_return *failure;
        Fetched granting{Ticket{{}, batch, "krbtgt/KEYS.TEST@KEYS.TEST", start, end}, false};
        co_return std::move(granting);
    }

    int asked = 0;                                      // for a ticket-granting ticket
    std::int64_t start = 0, end = now_seconds() + 600;  // of the next one
    milliseconds delay{0};
    bool throws = false;
    std::optional<Error> failure;
    std::shared_ptr<const Ticket> used;  // the one that the last service ticket was got with

private:
    asio::io_context& loop_;
};

class TicketKeepers : public ::testing::Test {
protected:
    asio::awaitable<void> ask_once(std::int64_t minimum, milliseconds timeout) {
        Wanted wanted;
        wanted.target = ledger;
        wanted.minimum_lifetime = minimum;
        auto fetched = co_await keeper.service_ticket(source, std::move(wanted), timeout);
        errors.push_back(fetched ? std::optional<Error>() : fetched.error());
    }
    // The error of the last of so many requests at once, if it has one.
    std::optional<Error> ask(std::int64_t minimum = 0, std::size_t count = 1,
                             milliseconds timeout = milliseconds(10'000)) {
        errors.clear();
        loop.restart();
        for (std::size_t i = 0; i < count; ++i)
            asio::co_spawn(loop, ask_once(minimum, timeout), [](const std::exception_ptr& thrown) {
                if (thrown) std::rethrow_exception(thrown);
            });
        while (errors.size() < count) loop.run_one();
        return errors.back();
    }
    // Lets the time pass, and what begins then end.
    void sweep_after(milliseconds time) {
        now += time;
        keeper.sweep(now);
        loop.restart();
        loop.run();
        loop.restart();
    }
    void fail(Code code, const std::string& message = "no") {
        kdc.failure = Error(code, Stage::credentials, message);
    }
    std::optional<Error> failure() const {
        const auto state = keeper.state(source);
        return state ? state->failure : std::nullopt;
    }

    asio::io_context loop;
    Kdc kdc{loop};
    TicketKeeper::Time now{hours(1)};
    std::vector<std::string> complaints;
    std::vector<std::optional<Error>> errors;
    Source source{Source::Kind::keytab, {}, "/batch.keytab", batch};
    TicketKeeper keeper{loop,
                        [this](Source from, Wanted wanted, milliseconds timeout) {
                            return kdc.fetch(std::move(from), std::move(wanted), timeout);
                        },
                        [this](std::string_view text) { complaints.emplace_back(text); },
                        [this] { return now; }};
};

TEST_F(TicketKeepers, RequestsAtOnceShareOneQuestionToTheKdc) {
    EXPECT_FALSE(ask(0, 10));
    EXPECT_FALSE(ask(0, 10));
    EXPECT_EQ(kdc.asked, 1);
}

TEST_F(TicketKeepers, RequestsAtOnceShareARefusalToo) {
    fail(Code::no_credentials);
    EXPECT_EQ(ask(0, 10)->code, Code::no_credentials);
    EXPECT_EQ(ask(0, 10)->code, Code::no_credentials);  // within the same second
    EXPECT_EQ(kdc.asked, 1);
    kdc.failure.reset();
    now += seconds(1);
    EXPECT_FALSE(ask());
}

TEST_F(TicketKeepers, ALifetimeThatNoTicketHasIsRefusedWithoutAskingEachTime) {
    EXPECT_FALSE(ask());
    for (int i = 0; i < 5; ++i) {
        const auto refused = ask(864'000);
        ASSERT_TRUE(refused);
        EXPECT_EQ(refused->code, Code::no_credentials);
        EXPECT_NE(refused->message.find("864000 s"), std::string::npos) << refused->message;
    }
    EXPECT_EQ(kdc.asked, 1);
    now += seconds(61);
    EXPECT_TRUE(ask(864'000));
    EXPECT_TRUE(ask(864'000));
    EXPECT_EQ(kdc.asked, 2);
}

TEST_F(TicketKeepers, ATicketThatEndsNoLaterDoesNotReplaceTheOther) {
    EXPECT_FALSE(ask());
    const auto first = kdc.used;
    now += seconds(61);
    EXPECT_TRUE(ask(864'000));
    EXPECT_EQ(kdc.asked, 2);
    EXPECT_FALSE(ask());
    EXPECT_EQ(kdc.used, first);
}

TEST_F(TicketKeepers, ATicketThatWasUnusedForLongIsRenewedBeforeItIsUsed) {
    EXPECT_FALSE(ask());
    now += seconds(590);
    kdc.end += 590;
    EXPECT_FALSE(ask());
    EXPECT_EQ(kdc.asked, 2);
    EXPECT_EQ(kdc.used->end, kdc.end);
}

TEST_F(TicketKeepers, AnOldTicketServesWhileTheKdcIsAway) {
    EXPECT_FALSE(ask());
    now += seconds(590);
    fail(Code::kdc_unreachable);
    EXPECT_FALSE(ask());
    EXPECT_EQ(kdc.asked, 2);
    ASSERT_TRUE(failure());
    EXPECT_FALSE(ask());  // does not wait for the KDC again
    EXPECT_EQ(kdc.asked, 2);
}

TEST_F(TicketKeepers, AnOldTicketServesBeforeASilentKdcHasUsedUpTheTime) {
    EXPECT_FALSE(ask());
    now += seconds(590);
    kdc.delay = hours(1);
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_FALSE(ask(0, 1, milliseconds(10'000)));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(5));
}

TEST_F(TicketKeepers, ACallerWithoutPatienceIsNoFailureOfTheIdentity) {
    kdc.delay = milliseconds(200);
    const auto impatient = ask(0, 3, milliseconds(1));
    ASSERT_TRUE(impatient);
    EXPECT_EQ(impatient->code, Code::kdc_unreachable);
    EXPECT_NE(impatient->message.find("no KDC for KEYS.TEST answered within 1 ms"), std::string::npos);
    EXPECT_FALSE(failure());
    EXPECT_FALSE(ask());
    EXPECT_EQ(kdc.asked, 1);
    EXPECT_TRUE(complaints.empty());
}

TEST_F(TicketKeepers, FetchersThatAreBusyAreNoFailureOfTheIdentity) {
    fail(Code::limit);
    EXPECT_EQ(ask()->code, Code::limit);
    EXPECT_FALSE(failure());
    EXPECT_TRUE(complaints.empty());
}

TEST_F(TicketKeepers, TheSameFailureIsNoNewsWhateverItsWords) {
    for (const char* words : {"no answer within 1000 ms", "no answer within 1001 ms"}) {
        fail(Code::kdc_unreachable, words);
        EXPECT_TRUE(ask());
        EXPECT_EQ(failure()->message, words);
        now += seconds(2);
    }
    EXPECT_EQ(complaints.size(), 1U);
    fail(Code::no_credentials);
    EXPECT_TRUE(ask());
    EXPECT_EQ(complaints.size(), 2U);
}

TEST_F(TicketKeepers, WithoutATicketTheKdcIsAskedMoreAndMoreSeldom) {
    fail(Code::no_credentials);
    EXPECT_TRUE(ask());
    for (int i = 0; i < 1000; ++i) sweep_after(seconds(1));
    EXPECT_GE(kdc.asked, 6);
    EXPECT_LE(kdc.asked, 14);
}

TEST_F(TicketKeepers, ATicketIsGotAnewWhenTheClockWasSet) {
    EXPECT_FALSE(ask());
    sweep_after(seconds(1));
    EXPECT_EQ(kdc.asked, 1);
    keeper.clock_was_set();
    fail(Code::clock_skew);
    sweep_after(seconds(1));
    EXPECT_EQ(failure()->code, Code::clock_skew);
    for (const int pause : {2, 4, 8}) sweep_after(seconds(pause));
    EXPECT_EQ(kdc.asked, 5);
    kdc.failure.reset();
    keeper.clock_was_set();
    sweep_after(seconds(1));
    EXPECT_EQ(kdc.asked, 6);
    EXPECT_FALSE(failure()) << "it waited for its pause to end";
}

TEST_F(TicketKeepers, ATicketThatBeginsSoonerReplacesOneFromATimeToCome) {
    kdc.start = now_seconds() + 1200;
    kdc.end += 1200;
    EXPECT_FALSE(ask());
    kdc.start -= 1200;
    kdc.end -= 1200;
    keeper.clock_was_set();
    sweep_after(seconds(1));
    EXPECT_FALSE(ask());
    EXPECT_EQ(kdc.used->start, kdc.start);
}

TEST_F(TicketKeepers, AFailureIsNotForgottenWhenTheTicketEnds) {
    kdc.end = now_seconds() - 1;
    EXPECT_TRUE(ask());
    fail(Code::kdc_unreachable);
    sweep_after(seconds(1));
    ASSERT_TRUE(failure());
    sweep_after(hours(2));
    EXPECT_TRUE(failure());
}

TEST_F(TicketKeepers, WhatIsOverIsForgotten) {
    kdc.end = now_seconds() - 3601;
    EXPECT_TRUE(ask());
    fail(Code::kdc_unreachable);
    sweep_after(seconds(1));
    ASSERT_TRUE(failure());
    sweep_after(hours(2));
    EXPECT_FALSE(keeper.state(source));
}

TEST_F(TicketKeepers, AnExceptionIsAFailureAndNoMore) {
    kdc.throws = true;
    ASSERT_TRUE(ask());
    ASSERT_TRUE(failure());
    EXPECT_EQ(failure()->code, Code::internal);
    EXPECT_NE(failure()->message.find("out of something"), std::string::npos);
    sweep_after(seconds(2));
    EXPECT_EQ(kdc.asked, 2);
    kdc.throws = false;
    sweep_after(seconds(5));
    EXPECT_FALSE(failure());
    EXPECT_FALSE(ask());
}

}  // namespace
}  // namespace mutual::keys
