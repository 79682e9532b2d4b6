// SPDX-License-Identifier: Apache-2.0
// The one door by which a plugin enters a program: loads the file, checks what it says about itself, and
// calls its factory with exceptions turned into values. Used by mutuald-channel and the children of
// mutuald-plugin.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "mutual/error.h"
#include "mutual/plugin.h"

namespace mutual::unit {

// Loads a plugin for ever (it is never unloaded). The file, and every folder on the way to it, must belong to
// root and be writable by nobody else; a sticky folder such as /tmp may be. Errors are invalid_configuration
// and name the path.
Result<const Plugin*> load_plugin(const std::filesystem::path& file, PluginKind kind);

// Call the plugin's factory. An error of the plugin's own passes through; an exception, or an answer without
// an object, is plugin_failed.
Result<std::unique_ptr<Discovery>> make_discovery(const Plugin& plugin, std::string_view configuration);
Result<std::unique_ptr<Transport>> make_transport(const Plugin& plugin, std::string_view configuration);
Result<std::unique_ptr<Registrar>> make_registrar(const Plugin& plugin, std::string_view configuration);

}  // namespace mutual::unit
