// SPDX-License-Identifier: Apache-2.0
#include "varlink/service.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "varlink/client.h"
#include "varlink/deadline.h"
#include "varlink/interfaces.h"

namespace mutual::varlink {
namespace {

using namespace std::chrono_literals;

std::string message(std::string_view text) { return std::string(text) + '\0'; }

// One service on one socket pair; the other end speaks raw text, as a stranger would.
class ServiceTest : public testing::Test {
protected:
    ServiceTest() {
        service_ =
            std::make_shared<Service>(Service::About{"mutual", "test", "1", ""},
                                      [this](std::string_view text) { complaints_.emplace_back(text); });
        service_->describe("interface test.Echo\nmethod Say() -> ()\n");
        service_->method("test.Echo.Say", [](Incoming incoming) { return say(std::move(incoming)); });
        service_->method("test.Echo.Wait", [this](Incoming) { return wait(&cancelled_, &loop_); });
        service_->upgradable_method("test.Echo.Become",
                                    [this](Incoming incoming) { return become(std::move(incoming)); });
        service_->method("test.Echo.Throw", [](Incoming) { return fail(); });
        auto ends = socket_pair();
        peer_ = std::move(ends->first);
        serve(std::move(ends->second), Connection::longest_call);
    }

    void serve(UniqueFd socket, std::chrono::milliseconds call_time) {
        auto connection =
            std::make_shared<Connection>(loop_, std::move(socket), Limits{1000, 16, 1}, call_time);
        asio::co_spawn(loop_, service_->serve(std::move(connection)),
                       [this](std::exception_ptr) { ended_ = true; });
    }

    static asio::awaitable<Reply> say(Incoming incoming) {
        Reply reply;
        reply.parameters = incoming.call.parameters;
        reply.descriptors = std::move(incoming.call.descriptors);
        co_return reply;
    }
    static asio::awaitable<Reply> wait(bool* cancelled, asio::io_context* loop) {
        struct Note {
            bool* flag;
            bool done = false;
            ~Note() { *flag = !done; }
        } note{cancelled};
        asio::steady_timer timer(*loop, 10s);
        co_await timer.async_wait(asio::use_awaitable);
        note.done = true;
        co_return Reply();
    }
    // The connection is taken over; a guard tells what became of the wish.
    asio::awaitable<Reply> become(Incoming incoming) {
        Reply reply;
        auto guard = std::shared_ptr<void>(nullptr, [this](void*) { ++guards_gone_; });
        if (incoming.call.upgrade)
            reply.take_over = [this, guard](UniqueFd connection) { taken_ = std::move(connection); };
        co_return reply;
    }
    static asio::awaitable<Reply> fail() {
        throw std::runtime_error("defect");
        co_return Reply();
    }

    void put(std::string_view text) {
        ASSERT_EQ(::send(peer_.value(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    }
    std::string get() {
        loop_.restart();
        loop_.run_for(50ms);
        char buffer[4096];
        const ssize_t size = ::recv(peer_.value(), buffer, sizeof buffer, MSG_DONTWAIT);
        return size > 0 ? std::string(buffer, static_cast<std::size_t>(size)) : std::string();
    }

    asio::io_context loop_;
    std::shared_ptr<Service> service_;
    UniqueFd peer_;
    std::vector<std::string> complaints_;
    UniqueFd taken_;
    int guards_gone_ = 0;
    bool ended_ = false;
    bool cancelled_ = false;
};

TEST_F(ServiceTest, AnswersPipelinedCallsInOrder) {
    put(message(R"({"method":"test.Echo.Say","parameters":{"n":1}})") +
        message(R"({"method":"test.Echo.Say","oneway":true})") +
        message(R"({"method":"test.Echo.Say","parameters":{"n":2}})"));
    EXPECT_EQ(get(), message(R"({"parameters":{"n":1}})") + message(R"({"parameters":{"n":2}})"));
}

TEST_F(ServiceTest, TellsWhatItOffers) {
    put(message("{\"method\":\"org.varlink.service.GetInfo\"}"));
    const std::string info = get();
    EXPECT_NE(info.find("\"interfaces\":[\"org.varlink.service\",\"test.Echo\"]"), std::string::npos) << info;
}

TEST_F(ServiceTest, NamesWhatItDoesNotKnow) {
    put(message("{\"method\":\"test.Echo.Other\"}"));
    EXPECT_NE(get().find("org.varlink.service.MethodNotFound"), std::string::npos);
    put(message("{\"method\":\"other.Echo.Say\"}"));
    EXPECT_NE(get().find("org.varlink.service.InterfaceNotFound"), std::string::npos);
}

TEST_F(ServiceTest, EndsAConnectionThatDoesNotSpeakJson) {
    put(message("GET / HTTP/1.1\r\n\r\n"));
    EXPECT_NE(get().find("InvalidParameter"), std::string::npos);
    EXPECT_TRUE(ended_);
}

TEST_F(ServiceTest, EndsAConnectionWhoseMessageNeverEnds) {
    put(std::string(1001, ' '));
    get();
    EXPECT_TRUE(ended_);
}

TEST_F(ServiceTest, EndsAConnectionThatHoldsAPartOfItsMessageBack) {
    auto others = socket_pair();
    peer_ = std::move(others->first);
    get();
    ended_ = false;  // only the first connection has
    serve(std::move(others->second), 100ms);
    get();
    EXPECT_FALSE(ended_) << "who says nothing may stay";
    put(message(R"({"method":"test.Echo.Say"})") + "{\"method\":");
    EXPECT_EQ(get(), message(R"({"parameters":{}})"));
    // More of it is no new beginning.
    for (int i = 0; i < 200 && !ended_; ++i) {
        ::send(peer_.value(), " ", 1, MSG_NOSIGNAL);
        loop_.restart();
        loop_.run_for(5ms);
    }
    ASSERT_TRUE(ended_) << "more of it was a new beginning";
    EXPECT_NE(get().find("the message did not end within 100 ms of its beginning"), std::string::npos);
}

TEST_F(ServiceTest, AMessageThatIsWholeInTimeIsServed) {
    put("{\"method\":");
    EXPECT_EQ(get(), "");
    put(message("\"test.Echo.Say\"}"));
    EXPECT_EQ(get(), message(R"({"parameters":{}})"));
    EXPECT_FALSE(ended_);
}

TEST_F(ServiceTest, CancelsTheMethodWhenTheCallerHangsUp) {
    put(message("{\"method\":\"test.Echo.Wait\"}"));
    EXPECT_EQ(get(), "");
    EXPECT_FALSE(cancelled_);
    peer_.reset();
    loop_.restart();
    loop_.run_for(50ms);
    EXPECT_TRUE(cancelled_);
    EXPECT_TRUE(ended_);
}

TEST_F(ServiceTest, KeepsServingACallerThatOnlyStoppedSending) {
    put(message("{\"method\":\"test.Echo.Say\",\"parameters\":{\"n\":1}}"));
    ::shutdown(peer_.value(), SHUT_WR);
    EXPECT_EQ(get(), message(R"({"parameters":{"n":1}})"));
}

TEST_F(ServiceTest, AnUpgradedConnectionIsGivenAwayBehindItsReply) {
    put(message(R"({"method":"test.Echo.Become","upgrade":true})"));
    EXPECT_EQ(get(), message(R"({"parameters":{}})"));
    EXPECT_TRUE(ended_);
    ASSERT_TRUE(taken_);
    put("raw");
    char buffer[8];
    EXPECT_EQ(::recv(taken_.value(), buffer, sizeof buffer, MSG_DONTWAIT), 3);
    EXPECT_EQ(::send(taken_.value(), "back", 4, 0), 4);
    EXPECT_EQ(get(), "back");
    EXPECT_EQ(guards_gone_, 1);
}

TEST_F(ServiceTest, WithoutUpgradeTheConnectionGoesOn) {
    put(message(R"({"method":"test.Echo.Become"})"));
    EXPECT_EQ(get(), message(R"({"parameters":{}})"));
    put(message(R"({"method":"test.Echo.Say"})"));
    EXPECT_EQ(get(), message(R"({"parameters":{}})"));
}

TEST_F(ServiceTest, ACallerThatStoppedSendingIsUpgradedAllTheSame) {
    put(message(R"({"method":"test.Echo.Become","upgrade":true})"));
    ::shutdown(peer_.value(), SHUT_WR);
    EXPECT_EQ(get(), message(R"({"parameters":{}})"));
    EXPECT_TRUE(taken_);
}

TEST_F(ServiceTest, OctetsBehindACallWithUpgradeAreRefusedBeforeAnythingIsDone) {
    put(message(R"({"method":"test.Echo.Become","upgrade":true})") + "raw");
    EXPECT_NE(
        get().find(R"("org.varlink.service.InvalidParameter","parameters":{"parameter":"upgrade: octets)"),
        std::string::npos);
    EXPECT_TRUE(ended_);
    EXPECT_FALSE(taken_);
    EXPECT_EQ(guards_gone_, 0);
}

TEST_F(ServiceTest, MethodsThatKeepToMessagesRefuseToBeUpgraded) {
    for (const auto* method : {"test.Echo.Say", "org.varlink.service.GetInfo"}) {
        put(message(std::string(R"({"upgrade":true,"method":")") + method + "\"}"));
        EXPECT_NE(
            get().find(R"("org.varlink.service.InvalidParameter","parameters":{"parameter":"upgrade: this)"),
            std::string::npos);
    }
    put(message(R"({"method":"test.Echo.Say"})"));
    EXPECT_EQ(get(), message(R"({"parameters":{}})"));
}

TEST_F(ServiceTest, AReplyThatCannotBeWrittenGivesNothingAway) {
    put(message(R"({"method":"test.Echo.Become","upgrade":true})"));
    ::shutdown(peer_.value(), SHUT_RD);  // not a hang-up
    get();
    EXPECT_TRUE(ended_);
    EXPECT_FALSE(taken_);
    EXPECT_EQ(guards_gone_, 1);
}

TEST_F(ServiceTest, HidesADefectFromTheCallerAndTellsTheLog) {
    put(message("{\"method\":\"test.Echo.Throw\"}"));
    const std::string answer = get();
    EXPECT_NE(answer.find("test.Echo.Internal"), std::string::npos) << answer;
    EXPECT_EQ(answer.find("defect"), std::string::npos);
    ASSERT_EQ(complaints_.size(), 1u);
}

TEST_F(ServiceTest, PassesADescriptorThereAndBackAndRefusesTwo) {
    auto pipe = socket_pair();
    std::vector<UniqueFd> two;
    two.push_back(std::move(pipe->first));
    std::size_t sent = 0;
    const std::string call = message(R"({"method":"test.Echo.Say"})");
    ASSERT_EQ(send_some(peer_.value(), call, two, sent), Transfer::done);
    loop_.restart();
    loop_.run_for(50ms);
    std::string bytes;
    std::vector<UniqueFd> back;
    ASSERT_EQ(receive_some(peer_.value(), bytes, back, 4), Transfer::done);
    EXPECT_EQ(back.size(), 1u);
    two.push_back(std::move(pipe->second));
    ASSERT_EQ(send_some(peer_.value(), call, two, sent), Transfer::done);
    get();
    EXPECT_TRUE(ended_);
}

asio::awaitable<Result<int>> number_after(asio::io_context& loop, std::chrono::milliseconds delay) {
    asio::steady_timer timer(loop, delay);
    co_await timer.async_wait(asio::use_awaitable);
    co_return 7;
}

Result<int> run_with_deadline(std::chrono::milliseconds work, std::chrono::milliseconds allowed) {
    asio::io_context loop;
    std::optional<Result<int>> answer;
    struct Run {
        static asio::awaitable<void> go(asio::io_context& running, std::chrono::milliseconds w,
                                        std::chrono::milliseconds a, std::optional<Result<int>>* out) {
            Error late(Code::timed_out, Stage::request, "late");
            Result<int> result = co_await with_deadline(
                running, number_after(running, w), std::chrono::steady_clock::now() + a, std::move(late));
            out->emplace(std::move(result));
        }
    };
    asio::co_spawn(loop, Run::go(loop, work, allowed, &answer), [](std::exception_ptr) {});
    loop.run();
    return answer.value();
}

TEST(WithDeadline, GivesTheAnswerThatIsInTime) { EXPECT_EQ(*run_with_deadline(1ms, 10s), 7); }

TEST(WithDeadline, CancelsWhatIsLate) {
    const auto begin = std::chrono::steady_clock::now();
    Result<int> result = run_with_deadline(10s, 1ms);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::timed_out);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

TEST(WithDeadline, CancelsTheWorkAndWaitsForItsEndWhenItsCallerIsCancelled) {
    asio::io_context loop;
    bool work_ended = false, ended_before_caller = false;
    struct Run {
        static asio::awaitable<Result<int>> work(asio::io_context& running, bool* ended) {
            struct Note {
                bool* ended;
                ~Note() { *ended = true; }
            } note{ended};
            co_return co_await number_after(running, 10s);
        }
        static asio::awaitable<void> go(asio::io_context& running, bool* ended) {
            Error late(Code::timed_out, Stage::request, "late");
            Result<int> result = co_await with_deadline(
                running, work(running, ended), std::chrono::steady_clock::now() + 10s, std::move(late));
            ADD_FAILURE() << "a cancelled caller goes on";
        }
    };
    asio::cancellation_signal hang_up;
    auto left = [&](std::exception_ptr) { ended_before_caller = work_ended; };
    asio::co_spawn(loop, Run::go(loop, &work_ended), asio::bind_cancellation_slot(hang_up.slot(), left));
    while (loop.poll_one() != 0) continue;  // until all wait for their timers
    hang_up.emit(asio::cancellation_type::terminal);
    loop.run_for(5s);
    EXPECT_TRUE(ended_before_caller);
}

TEST(Interfaces, AreEmbeddedUnderTheirNames) {
    EXPECT_EQ(interface_name(broker_interface), "org.mutuald.Broker");
    EXPECT_EQ(interface_name(keys_interface), "org.mutuald.Keys");
    EXPECT_EQ(interface_name(grant_interface), "org.mutuald.Grant");
    EXPECT_EQ(interface_name(channel_interface), "org.mutuald.Channel");
    EXPECT_EQ(interface_name(admission_interface), "org.mutuald.Admission");
    EXPECT_EQ(interface_name(plugins_interface), "org.mutuald.Plugins");
}

}  // namespace
}  // namespace mutual::varlink
