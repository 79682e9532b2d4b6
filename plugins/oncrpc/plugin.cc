// SPDX-License-Identifier: Apache-2.0
#include "mutual/plugin.h"

#include "plugins/oncrpc/transport.h"

namespace {

mutual::Result<std::unique_ptr<mutual::Transport>> make(const mutual::PluginConfiguration& configuration) {
    return mutual::oncrpc::make_transport(configuration.json);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) constinit const mutual::Plugin mutual_plugin{
    mutual::plugin_magic,
    mutual::plugin_contract,
    mutual::PluginKind::transport,
    "oncrpc",
    "1",
    nullptr,
    &make,
    nullptr};
