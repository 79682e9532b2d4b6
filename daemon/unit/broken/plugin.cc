// SPDX-License-Identifier: Apache-2.0
// A family of test plugins, each broken in the one way that its build defines; without any, a sound one.
#include <stdexcept>

#include "mutual/plugin.h"
#include "mutual/transport.h"

#ifndef BROKEN_MAGIC
#define BROKEN_MAGIC mutual::plugin_magic
#endif
#ifndef BROKEN_CONTRACT
#define BROKEN_CONTRACT mutual::plugin_contract
#endif
#ifndef BROKEN_KIND
#define BROKEN_KIND mutual::PluginKind::transport
#endif
#ifndef BROKEN_FACTORY
#define BROKEN_FACTORY make
#endif

#ifdef BROKEN_UNRESOLVED
extern "C" int mutual_test_nobody_defines_this();
#endif

namespace {

using Made = mutual::Result<std::unique_ptr<mutual::Transport>>;

class Sound final : public mutual::Transport {
    mutual::Result<std::unique_ptr<mutual::Session>> session(const mutual::SessionParameters&,
                                                             mutual::SessionHost&) override {
        return mutual::Error{mutual::Code::invalid_configuration, mutual::Stage::request,
                             "it makes no session"};
    }
};

[[maybe_unused]] Made make(const mutual::PluginConfiguration& configuration) {
#ifdef BROKEN_UNRESOLVED
    mutual_test_nobody_defines_this();
#endif
    if (configuration.json != "{}")
        return mutual::Error{mutual::Code::invalid_configuration, mutual::Stage::request, "unknown key"};
    return std::unique_ptr<mutual::Transport>(std::make_unique<Sound>());
}

[[maybe_unused]] Made throw_something(const mutual::PluginConfiguration&) {
    throw std::runtime_error("no luck");
}
[[maybe_unused]] Made make_nothing(const mutual::PluginConfiguration&) {
    return std::unique_ptr<mutual::Transport>();
}

}  // namespace

#ifndef BROKEN_SYMBOL
extern "C" __attribute__((visibility("default"))) const mutual::Plugin mutual_plugin;
const mutual::Plugin mutual_plugin = {BROKEN_MAGIC, BROKEN_CONTRACT, BROKEN_KIND,    "test",
                                      "1",          nullptr,         BROKEN_FACTORY, nullptr};
#endif
