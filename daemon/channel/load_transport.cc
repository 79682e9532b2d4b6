// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/load_transport.h"

#include "daemon/config/load.h"
#include "daemon/unit/plugin_loader.h"

namespace mutual::channel {
namespace {

// Which file, with which options of its own.
Result<void> find_plugin(Options& options, const unit::Log& log) {
    if (!options.plugin.empty()) return {};
    const auto loaded =
        config::load(options.config_root.empty() ? config::ConfigurationPaths()
                                                 : config::ConfigurationPaths::below(options.config_root));
    for (std::size_t i = 1; i < loaded.errors.size(); ++i) log.error(to_string(loaded.errors[i]));
    if (!loaded.configuration) return loaded.errors.front();
    const auto* plugin = loaded.configuration->plugin(options.transport);
    if (!plugin || plugin->kind != config::PluginKind::transport)
        return Error(Code::invalid_configuration, Stage::request,
                     "the configuration has no transport plugin " + options.transport,
                     "define [plugin." + options.transport + "] with kind = \"transport\"");
    options.plugin = plugin->path;
    options.plugin_configuration = plugin->options;
    return {};
}

}  // namespace

Result<std::unique_ptr<Transport>> load_transport(Options options, const unit::Log& log) {
    if (auto found = find_plugin(options, log); !found) return std::move(found).error();
    auto plugin = unit::load_plugin(options.plugin, PluginKind::transport);
    if (!plugin) return std::move(plugin).error();
    if (options.transport != (*plugin)->name)
        return Error(Code::invalid_configuration, Stage::request,
                     "load plugin " + options.plugin + ": it is the transport " + (*plugin)->name + ", not " +
                         options.transport);
    return unit::make_transport(**plugin, options.plugin_configuration);
}

}  // namespace mutual::channel
