// SPDX-License-Identifier: Apache-2.0
#include "mutual/plugin.h"

#include "tests/transports/echoing.h"

namespace {

mutual::Result<std::unique_ptr<mutual::Transport>> make(const mutual::PluginConfiguration&) {
    return mutual::echoing::make_transport();
}

}  // namespace

extern "C" __attribute__((visibility("default"))) constinit const mutual::Plugin mutual_plugin{
    mutual::plugin_magic,
    mutual::plugin_contract,
    mutual::PluginKind::transport,
    "echoing",
    "1",
    nullptr,
    &make,
    nullptr};
