// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/addresses.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/json/array.hpp>
#include <filesystem>

#include "varlink/listener.h"

namespace mutual::broker {
namespace {

using std::chrono::seconds;

// Plays mutuald-plugin: one address for each host, and none for "gone".
class AddressesTest : public ::testing::Test {
protected:
    AddressesTest() {
        const auto ignore = [](std::string_view) {};
        auto service = std::make_shared<varlink::Service>(varlink::Service::About{}, ignore);
        service->describe("interface org.mutuald.Plugins\n");
        service->method("org.mutuald.Plugins.Resolve",
                        [this](varlink::Incoming incoming) { return resolve(asked_, std::move(incoming)); });
        auto listening = varlink::listen(loop_, std::move(*varlink::listen_unix(path(), 0600)), service,
                                         varlink::only_uid(::geteuid(), ignore), {}, ignore);
        asio::co_spawn(loop_, std::move(listening), [](std::exception_ptr) {});
    }
    ~AddressesTest() override { std::filesystem::remove_all(folder_); }

    static asio::awaitable<varlink::Reply> resolve(int& asked, varlink::Incoming incoming) {
        ++asked;
        varlink::Reply reply;
        if (incoming.call.parameters.at("host").as_string() == "gone")
            reply = varlink::failure("org.mutuald.Plugins",
                                     Error(Code::not_found, Stage::addresses, "no such host"));
        else
            reply.parameters["addresses"] = boost::json::array{"10.0.0.1"};
        co_return reply;
    }
    static asio::awaitable<void> keep(Addresses& addresses, std::string host, seconds keep, bool& found,
                                      asio::io_context& loop) {
        const Result<Addresses::List> list = co_await addresses.of(host, seconds(5), keep);
        found = list.ok();
        loop.stop();
    }
    bool finds(const std::string& host, seconds kept = seconds(60)) {
        bool found = false;
        asio::co_spawn(loop_, keep(addresses_, host, kept, found, loop_), [](std::exception_ptr) {});
        loop_.restart();
        loop_.run_for(seconds(10));
        return found;
    }
    static std::string fresh_folder() {
        std::string folder = ::testing::TempDir() + "addresses.XXXXXX";
        if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no folder");
        return folder;
    }
    std::string path() const { return folder_ + "/plugin.sock"; }

    const std::string folder_ = fresh_folder();
    asio::io_context loop_;
    int asked_ = 0;
    ConnectionPool pool_{loop_, path(), "mutuald-plugin", Stage::discovery};
    PluginsClient plugins_{pool_};
    Addresses addresses_{plugins_};
};

TEST_F(AddressesTest, AsksOnceForAHostThatIsOpenedAgainAtOnce) {
    EXPECT_TRUE(finds("app1"));
    EXPECT_TRUE(finds("app1"));
    EXPECT_EQ(asked_, 1);
    EXPECT_TRUE(finds("app2"));
    EXPECT_EQ(asked_, 2);
}

TEST_F(AddressesTest, AsksAgainAfterAnAddressDidNotWork) {
    EXPECT_TRUE(finds("app1"));
    addresses_.forget("app1");
    EXPECT_TRUE(finds("app1"));
    EXPECT_EQ(asked_, 2);
}

TEST_F(AddressesTest, KeepsNothingWhereTheConfigurationKeepsNothing) {
    EXPECT_TRUE(finds("app1", seconds(0)));
    EXPECT_TRUE(finds("app1", seconds(0)));
    EXPECT_EQ(asked_, 2);
}

TEST_F(AddressesTest, KeepsNoFailure) {
    EXPECT_FALSE(finds("gone"));
    EXPECT_FALSE(finds("gone"));
    EXPECT_EQ(asked_, 2);
}

}  // namespace
}  // namespace mutual::broker
