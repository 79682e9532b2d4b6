// SPDX-License-Identifier: Apache-2.0
// How a plugin introduces itself. A plugin is one shared object that exports exactly one symbol,
//
//     extern "C" const mutual::Plugin mutual_plugin;
//
// a constant with no constructor to run. The host loads it from a folder and file that only root can write,
// with RTLD_NOW | RTLD_LOCAL and an absolute path, looks at `magic`, `contract` and `kind` before anything
// else, and never unloads it. A plugin includes only <mutual/...>, starts no thread, forks no process, and
// changes no environment variable. An exception that leaves a plugin is caught at the border and reported as
// plugin_failed.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "mutual/error.h"

namespace mutual {

class Discovery;
class Transport;
class Registrar;

inline constexpr std::uint32_t plugin_magic = 0x4d55544cU;  // "MUTL"
// Raised whenever a declaration in include/mutual changes its meaning or layout. Must be equal, not merely
// newer.
inline constexpr std::uint32_t plugin_contract = 2;

enum class PluginKind : std::uint32_t { discovery = 1, transport = 2, registrar = 3 };

// The plugin's own part of the configuration, as JSON text of one object: the plugin knows its keys, the host
// does not. An unknown key or a wrong type is answered with invalid_configuration, naming the key.
struct PluginConfiguration {
    std::string_view json;
};

struct Plugin {
    std::uint32_t magic;     // plugin_magic
    std::uint32_t contract;  // plugin_contract
    PluginKind kind;
    const char* name;     // as in the configuration: "scp"
    const char* version;  // of the plugin, for people
    // Exactly the one that `kind` names is set. Called once per process; the object lives until the process
    // ends.
    Result<std::unique_ptr<Discovery>> (*discovery)(const PluginConfiguration&);
    Result<std::unique_ptr<Transport>> (*transport)(const PluginConfiguration&);
    Result<std::unique_ptr<Registrar>> (*registrar)(const PluginConfiguration&);
};

}  // namespace mutual
