// SPDX-License-Identifier: Apache-2.0
// Facts that are told, beside a mutuald-keys that tells them when a test says.
#include "daemon/broker/told_facts.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>

#include "daemon/broker/keys_client.h"
#include "varlink/deadline.h"
#include "varlink/listener.h"

namespace mutual::broker {
namespace {

using namespace std::chrono_literals;
using varlink::Incoming;
using varlink::Reply;

std::string folder_for_sockets() {
    std::string pattern = std::filesystem::temp_directory_path() / "mutuald-told-XXXXXX";
    return ::mkdtemp(pattern.data());
}

Reply facts_of(const std::string& initiator) {
    boost::json::object flags;
    for (const char* flag : {"mutual", "confidentiality", "integrity", "replay", "sequence", "delegation"})
        flags[flag] = true;
    Reply reply;
    reply.parameters["role"] = "acceptor";
    reply.parameters["initiator"] = initiator;
    reply.parameters["acceptor"] = "ledger/app1@R";
    reply.parameters["flags"] = std::move(flags);
    reply.parameters["expires"] = 5;
    return reply;
}

class ToldFactsTest : public testing::Test {
protected:
    ToldFactsTest() {
        auto socket = varlink::listen_unix(folder_ + "/keys.sock", 0600);
        const auto complain = [](std::string_view text) { ADD_FAILURE() << text; };
        auto service =
            std::make_shared<varlink::Service>(varlink::Service::About{"mutual", "test", "1", ""}, complain);
        service->streaming_method("org.mutuald.Keys.WatchFacts",
                                  [this](Incoming incoming) { return watched(std::move(incoming)); });
        service->method("org.mutuald.Keys.Facts",
                        [this](Incoming incoming) { return asked(std::move(incoming)); });
        auto listening =
            varlink::listen(loop_, std::move(*socket), service, varlink::only_uid(::getuid(), complain),
                            varlink::internal_limits, complain);
        asio::co_spawn(loop_, std::move(listening), [](std::exception_ptr) {});
    }
    ~ToldFactsTest() override { std::filesystem::remove_all(folder_); }

    asio::awaitable<Reply> watched(Incoming incoming) {
        ++watches_;
        Reply begun;
        begun.continues = true;
        if (begins_) {
            EXPECT_TRUE(incoming.connection->reply_at_once(begun));
        }
        watcher_ = incoming.connection;
        asio::steady_timer end(loop_, asio::steady_timer::time_point::max());
        co_await end.async_wait(asio::use_awaitable);
        co_return Reply();
    }
    asio::awaitable<Reply> asked(Incoming incoming) {
        ++questions_;
        const std::string context(incoming.call.parameters.at("context").as_string());
        if (const auto found = held_.find(context); found != held_.end()) co_return facts_of(found->second);
        co_return varlink::failure("org.mutuald.Keys",
                                   Error(Code::not_found, Stage::handshake, "no such context"));
    }
    void tell(const std::string& context, const std::string& initiator) {
        Reply reply = facts_of(initiator);
        reply.parameters["context"] = context;
        reply.continues = true;
        const auto watcher = watcher_.lock();
        ASSERT_TRUE(watcher);
        EXPECT_TRUE(watcher->reply_at_once(reply));
    }

    using Asking = std::shared_ptr<varlink::detail::Beside<Result<Facts>>>;
    Asking begin(const std::string& context) {
        auto asking = std::make_shared<varlink::detail::Beside<Result<Facts>>>(loop_);
        varlink::detail::start(loop_, asking, keys_.facts(context));
        return asking;
    }
    template <class Condition>
    void run_until(const Condition& condition) {
        loop_.restart();
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (!condition() && std::chrono::steady_clock::now() < end) loop_.run_one_for(100ms);
        ASSERT_TRUE(condition());
    }
    std::string end(const Asking& asking) {
        run_until([&] { return asking->finished; });
        if (!asking->result) return "it threw";
        return *asking->result ? (*asking->result)->initiator
                               : std::string(name(asking->result->error().code));
    }
    std::string initiator_of(const std::string& context) { return end(begin(context)); }
    // The first question has the facts told from then on; those that were there before are past soon.
    void have_all_told() {
        held_["first"] = "first@R";
        EXPECT_EQ(initiator_of("first"), "first@R");
        run_until([this] { return !watcher_.expired(); });
        const auto until = std::chrono::steady_clock::now() + 2 * bounds_.patience;
        run_until([until] { return std::chrono::steady_clock::now() > until; });
        questions_ = 0;
    }

    const ToldFacts::Bounds bounds_{400ms, 2, 100ms};
    std::string folder_ = folder_for_sockets();
    asio::io_context loop_{1};
    ConnectionPool pool_{loop_, folder_ + "/keys.sock", "mutuald-keys", Stage::credentials};
    KeysClient keys_{loop_, pool_, bounds_};
    std::weak_ptr<varlink::Connection> watcher_;
    std::map<std::string, std::string> held_;
    bool begins_ = true;
    int watches_ = 0;
    int questions_ = 0;
};

TEST_F(ToldFactsTest, NobodyAsksForWhatWasTold) {
    have_all_told();
    tell("one", "alice@R");
    EXPECT_EQ(initiator_of("one"), "alice@R");
    EXPECT_EQ(questions_, 0);
    EXPECT_EQ(watches_, 1);
}

TEST_F(ToldFactsTest, WhatIsOnItsWayIsWaitedFor) {
    have_all_told();
    const Asking asking = begin("one");
    EXPECT_FALSE(asking->finished);
    tell("one", "alice@R");
    EXPECT_EQ(end(asking), "alice@R");
    EXPECT_EQ(questions_, 0);
}

TEST_F(ToldFactsTest, TheyAreGivenOutOnce_FT_080) {
    have_all_told();
    tell("one", "alice@R");
    EXPECT_EQ(initiator_of("one"), "alice@R");
    EXPECT_EQ(initiator_of("one"), "NotFound");
}

TEST_F(ToldFactsTest, WhatWasThereBeforeIsAskedFor) {
    held_["one"] = "alice@R";
    EXPECT_EQ(initiator_of("one"), "alice@R");
    run_until([this] { return !watcher_.expired(); });
    held_["two"] = "bob@R";
    EXPECT_EQ(initiator_of("two"), "bob@R");
    EXPECT_EQ(questions_, 2);
}

TEST_F(ToldFactsTest, WhatIsToldWhileItIsAskedForIsFound) {
    begins_ = false;
    const Asking asking = begin("one");
    run_until([this] { return questions_ == 1 && !watcher_.expired(); });
    Reply begun;
    begun.continues = true;
    EXPECT_TRUE(watcher_.lock()->reply_at_once(begun));
    tell("one", "alice@R");
    EXPECT_EQ(end(asking), "alice@R");
}

TEST_F(ToldFactsTest, WhoTellsMayEndAndIsAskedAnew) {
    have_all_told();
    const Asking asking = begin("one");
    held_["one"] = "alice@R";
    watcher_.lock()->close();
    EXPECT_EQ(end(asking), "alice@R");
    EXPECT_EQ(questions_, 1);
    held_["two"] = "bob@R";
    EXPECT_EQ(initiator_of("two"), "bob@R");
    run_until([this] { return watches_ == 2; });
}

TEST_F(ToldFactsTest, WhatNobodyTakesIsBoundedAndForgotten) {
    have_all_told();
    for (const char* context : {"one", "two", "three"}) tell(context, "alice@R");
    held_["three"] = "alice@R";  // what is too much for us, mutuald-keys gives out again
    EXPECT_EQ(initiator_of("three"), "alice@R");
    EXPECT_EQ(initiator_of("one"), "alice@R");
    const auto until = std::chrono::steady_clock::now() + 2 * bounds_.kept;
    run_until([until] { return std::chrono::steady_clock::now() > until; });
    EXPECT_EQ(initiator_of("two"), "NotFound");
}

}  // namespace
}  // namespace mutual::broker
