// SPDX-License-Identifier: Apache-2.0
// Transports as the daemon gets them: as shared objects with one symbol.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <string_view>

#include "mutual/plugin.h"
#include "tests/fakes/network.h"

namespace mutual {
namespace {

const Plugin* loaded(const char* path) {
    void* object = dlopen(path, RTLD_NOW | RTLD_LOCAL);  // never unloaded, as in the daemon
    EXPECT_NE(object, nullptr) << dlerror();
    return object ? static_cast<const Plugin*>(dlsym(object, "mutual_plugin")) : nullptr;
}

class TransportPlugin : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(TransportPlugin, IntroducesItself) {
    const auto* plugin = loaded(GetParam().first);
    ASSERT_NE(plugin, nullptr);
    EXPECT_EQ(plugin->magic, plugin_magic);
    EXPECT_EQ(plugin->contract, plugin_contract);
    EXPECT_EQ(plugin->kind, PluginKind::transport);
    EXPECT_EQ(std::string_view{plugin->name}, GetParam().second);
    EXPECT_NE(plugin->transport, nullptr);
    EXPECT_EQ(plugin->discovery, nullptr);
    EXPECT_EQ(plugin->registrar, nullptr);
}

TEST_P(TransportPlugin, CarriesAChannelFromEndToEnd) {
    const auto* plugin = loaded(GetParam().first);
    ASSERT_NE(plugin, nullptr);
    auto transport = plugin->transport({"{}"});
    ASSERT_TRUE(transport);
    fakes::FakeNetwork net{**transport, "{}"};
    net.start();
    net.run();
    net.send(net.initiator, "over the border\n");
    net.run();
    EXPECT_EQ(net.received(net.acceptor), "over the border\n");
}

INSTANTIATE_TEST_SUITE_P(OfThisTree, TransportPlugin,
                         testing::Values(std::pair{SOCKETS_PLUGIN, "sockets"},
                                         std::pair{ECHOING_PLUGIN, "echoing"},
                                         std::pair{FRAMED_PLUGIN, "framed"}),
                         [](const auto& parameter) { return std::string{parameter.param.second}; });

}  // namespace
}  // namespace mutual
