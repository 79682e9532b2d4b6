// SPDX-License-Identifier: Apache-2.0
#include "mutual/plugin.h"

#include "plugins/scp/scp.h"

namespace {

mutual::Result<std::unique_ptr<mutual::Discovery>> make(const mutual::PluginConfiguration& configuration) {
    return mutual::scp::make_scp(configuration.json);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) constinit const mutual::Plugin mutual_plugin{
    mutual::plugin_magic,
    mutual::plugin_contract,
    mutual::PluginKind::discovery,
    "scp",
    "1",
    &make,
    nullptr,
    nullptr};
