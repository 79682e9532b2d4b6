// SPDX-License-Identifier: Apache-2.0
// The broker's reload beside a mutuald-plugin that answers as a test says.
#include "daemon/broker/reload.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <future>
#include <mutex>
#include <stdexcept>

#include "varlink/deadline.h"
#include "varlink/listener.h"
#include "varlink/service.h"

namespace mutual::broker {
namespace {

using namespace std::chrono_literals;
using varlink::Incoming;
using varlink::Reply;

std::string folder_for_sockets() {
    std::string pattern = std::filesystem::temp_directory_path() / "mutuald-reload-XXXXXX";
    return ::mkdtemp(pattern.data());
}

config::Loaded loaded(const std::string& text, const std::string& fingerprint) {
    config::Loaded loaded = config::load_text(text, "test.toml");
    loaded.configuration->fingerprint = fingerprint;
    return loaded;
}

class ReloadTest : public testing::Test {
protected:
    ~ReloadTest() override { std::filesystem::remove_all(folder_); }

    // What mutuald-plugin is told, by method, and what it answers.
    void start_plugin(const std::function<asio::awaitable<Reply>(std::string)>& answer) {
        auto socket = varlink::listen_unix(folder_ + "/plugin.sock", 0600);
        ASSERT_TRUE(socket);
        const auto complain = [](std::string_view text) { ADD_FAILURE() << text; };
        auto service =
            std::make_shared<varlink::Service>(varlink::Service::About{"mutual", "test", "1", ""}, complain);
        for (const std::string method : {"PrepareConfiguration", "UseConfiguration"})
            service->method("org.mutuald.Plugins." + method, [this, method, answer](Incoming) {
                told_.push_back(method);
                return answer(method);
            });
        auto listening =
            varlink::listen(loop_, std::move(*socket), service, varlink::only_uid(::getuid(), complain),
                            varlink::internal_limits, complain);
        asio::co_spawn(loop_, std::move(listening), [](std::exception_ptr) {});
    }
    static asio::awaitable<Reply> agree(std::string method) {
        Reply reply;
        if (method == "PrepareConfiguration") reply.parameters["isSame"] = true;
        co_return reply;
    }

    Result<Reload::Outcome> reload() {
        auto asking = std::make_shared<varlink::detail::Beside<Result<Reload::Outcome>>>(loop_);
        varlink::detail::start(loop_, asking, reload_.run("uid 7"));
        loop_.restart();
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (!asking->finished && std::chrono::steady_clock::now() < end) loop_.run_one_for(1s);
        if (!asking->result) return Error(Code::internal, Stage::request, "it threw, or never ended");
        return *asking->result;
    }
    using Read = Reload::Read;
    // A reading that was left behind may still run.
    Read read_as() {
        const std::lock_guard lock(mutex_);
        return read_;
    }
    void read_by(Read read) {
        const std::lock_guard lock(mutex_);
        read_ = std::move(read);
    }
    bool has_new() const { return broker_.configuration->fingerprint == "2"; }

    std::string folder_ = folder_for_sockets();
    std::vector<std::string> told_;
    std::string logged_;
    const unit::Log log_{[this](const unit::LogLine& line) { logged_.append(line.message).append("\n"); }};
    std::mutex mutex_;
    Read read_ = [] { return loaded("[daemon]\nnegative_cache = \"1s\"\n", "2"); };
    int applied_ = 0;
    asio::io_context loop_{1};
    config::Loaded first_ = loaded("", "1");
    Broker broker_{loop_, std::make_shared<const config::Configuration>(*first_.configuration), log_,
                   folder_};
    Reload reload_{broker_,
                   first_.written,
                   folder_,
                   [this] { return read_as()(); },
                   [this] { ++applied_; },
                   Reload::Times{200ms, 400ms}};
};

TEST_F(ReloadTest, IsUsedOnceThePluginProgramHasPreparedItToo) {
    start_plugin(agree);
    const auto outcome = reload();
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_TRUE(has_new());
    EXPECT_EQ(applied_, 1);
    EXPECT_EQ(told_, (std::vector<std::string>{"PrepareConfiguration", "UseConfiguration"}));
    ASSERT_EQ(outcome->changes.size(), 1U);
    EXPECT_EQ(outcome->changes[0].key, "daemon.negative_cache");
    EXPECT_NE(logged_.find("reloaded the configuration (asked by uid 7): 1 key(s) changed"),
              std::string::npos)
        << logged_;
}

TEST_F(ReloadTest, NeverTellsAPluginProgramToUseItThatDidNotPrepareItInTime) {
    bool is_cancelled = false;
    start_plugin([this, &is_cancelled](const std::string&) -> asio::awaitable<Reply> {
        struct Note {
            bool* flag;
            ~Note() { *flag = true; }
        } const note{&is_cancelled};
        asio::steady_timer timer(loop_, 20s);
        co_await timer.async_wait(asio::use_awaitable);
        co_return Reply();
    });
    const auto outcome = reload();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Code::timed_out);
    EXPECT_FALSE(has_new());
    EXPECT_EQ(applied_, 0);
    const auto end = std::chrono::steady_clock::now() + 10s;
    loop_.restart();
    while (!is_cancelled && std::chrono::steady_clock::now() < end) loop_.run_one_for(1s);
    EXPECT_TRUE(is_cancelled) << "its connection was not closed";
    EXPECT_EQ(told_, std::vector<std::string>{"PrepareConfiguration"});
}

TEST_F(ReloadTest, APluginProgramThatIsAwayReadsItWhenItStarts) {
    const auto outcome = reload();
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_TRUE(has_new());
    ASSERT_EQ(outcome->notes.size(), 1U);
    EXPECT_NE(outcome->notes[0].find("reads the configuration when it starts"), std::string::npos);
}

TEST_F(ReloadTest, APluginProgramThatRefusesIsNotAway) {
    start_plugin([](std::string) -> asio::awaitable<Reply> {
        co_return varlink::failure("org.mutuald.Plugins",
                                   Error(Code::unavailable, Stage::request, "another version"));
    });
    const auto outcome = reload();
    ASSERT_FALSE(outcome);
    EXPECT_NE(outcome.error().message.find("another version"), std::string::npos);
    EXPECT_FALSE(has_new());
}

TEST_F(ReloadTest, IsUsedThoughTheAnswerToTheLastWordIsLost) {
    start_plugin([this](std::string method) -> asio::awaitable<Reply> {
        if (method == "UseConfiguration") {
            asio::steady_timer timer(loop_, 20s);
            co_await timer.async_wait(asio::use_awaitable);
        }
        Reply reply;
        reply.parameters["isSame"] = true;
        co_return reply;
    });
    const auto outcome = reload();
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_TRUE(has_new());
    ASSERT_EQ(outcome->notes.size(), 1U);
    EXPECT_NE(outcome->notes[0].find("did not say that it uses the configuration"), std::string::npos);
}

TEST_F(ReloadTest, WhatThrowsInTheReadingChangesNothing) {
    start_plugin(agree);
    const Read good = read_as();
    read_by([]() -> config::Loaded { throw std::runtime_error("no such luck"); });
    const auto outcome = reload();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().message, "read the configuration: no such luck");
    EXPECT_FALSE(has_new());
    EXPECT_NE(logged_.find("the configuration was not reloaded: "), std::string::npos);
    read_by(good);
    EXPECT_TRUE(reload());
    EXPECT_TRUE(has_new());
}

TEST_F(ReloadTest, WhatThrowsInTheLoopChangesNothing) {
    start_plugin(agree);
    bool is_full = true;
    Reload reload(broker_, first_.written, folder_, read_as(), [&is_full] {
        if (is_full) throw std::bad_alloc();
    });
    const auto run = [&] {
        auto asking = std::make_shared<varlink::detail::Beside<Result<Reload::Outcome>>>(loop_);
        varlink::detail::start(loop_, asking, reload.run("SIGHUP"));
        loop_.restart();
        while (!asking->finished && loop_.run_one_for(10s) != 0) continue;
        return asking->result && *asking->result;
    };
    EXPECT_FALSE(run());
    EXPECT_FALSE(has_new());
    is_full = false;
    EXPECT_TRUE(run());
    EXPECT_TRUE(has_new());
}

TEST_F(ReloadTest, AReadingThatHangsEndsTheReloadAndNobodyWaitsForIt) {
    start_plugin(agree);
    const Read good = read_as();
    auto gate = std::make_shared<std::promise<void>>();
    const std::shared_future<void> opened = gate->get_future();
    read_by([opened, good] {
        opened.wait();
        return good();
    });
    const auto outcome = reload();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Code::timed_out);
    EXPECT_NE(outcome.error().hint.find("NSS"), std::string::npos);
    EXPECT_FALSE(has_new());
    EXPECT_TRUE(told_.empty());
    {
        // The program's end does not wait either.
        asio::io_context loop(1);
        Broker broker(loop, broker_.configuration, log_, folder_);
        Reload another(broker, first_.written, folder_, read_as(), [] {});
        another.start("SIGHUP");
        loop.poll();
    }
    gate->set_value();
    read_by(good);
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (!has_new() && std::chrono::steady_clock::now() < end) (void)reload();
    EXPECT_TRUE(has_new());
}

TEST_F(ReloadTest, WithoutDescriptorsNothingChangesAndThePluginProgramIsNotThoughtAway) {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "the sanitizer's check of types needs descriptors itself";
#endif
    start_plugin(agree);
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit none = before;
    none.rlim_cur = 0;
    read_by([good = read_as(), none] {  // its thread still starts, then there are none
        ::setrlimit(RLIMIT_NOFILE, &none);
        return good();
    });
    const auto outcome = reload();
    ::setrlimit(RLIMIT_NOFILE, &before);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Code::limit);
    EXPECT_FALSE(has_new());
    read_by([] { return loaded("", "2"); });
    EXPECT_TRUE(reload());
    EXPECT_TRUE(has_new());
}

}  // namespace
}  // namespace mutual::broker
