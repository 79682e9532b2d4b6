// SPDX-License-Identifier: Apache-2.0
#include "mutual/plugin.h"

#include "plugins/static/static.h"

namespace {

mutual::Result<std::unique_ptr<mutual::Discovery>> make(const mutual::PluginConfiguration& configuration) {
    return mutual::static_plugin::make_static(configuration.json);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) constinit const mutual::Plugin mutual_plugin{
    mutual::plugin_magic,
    mutual::plugin_contract,
    mutual::PluginKind::discovery,
    "static",
    "1",
    &make,
    nullptr,
    nullptr};
