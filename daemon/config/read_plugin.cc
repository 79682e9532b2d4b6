// SPDX-License-Identifier: Apache-2.0
// [identity.NAME] and [plugin.NAME].
#include "daemon/config/checks.h"
#include "daemon/config/read.h"

namespace mutual::config {
namespace {

using namespace std::chrono_literals;

void add_built_in_plugins(Configuration& configuration) {
    const auto add = [&configuration](const char* name, PluginKind kind, Protection protection) {
        Plugin plugin;
        plugin.name = name;
        plugin.kind = kind;
        plugin.protection = protection;
        configuration.plugins.emplace(name, std::move(plugin));
    };
    add("scp", PluginKind::discovery, Protection::stream);
    add("static", PluginKind::discovery, Protection::stream);
    add("sockets", PluginKind::transport, Protection::stream);
    add("oncrpc", PluginKind::transport, Protection::rpc);
}

void read_identity(Section& section, const std::string& name, Configuration& configuration) {
    Identity identity;
    identity.name = name;
    identity.where = section.where();
    section.require("keytab");
    section.text("keytab", identity.keytab, check_absolute_path);
    section.require("principal", "the keytab may hold keys of several");
    section.text("principal", identity.principal, check_principal);
    if (!configuration.identities.emplace(name, identity).second)
        section.complain("", "is built in and cannot be defined", "choose another name");
}

void read_kind(Section& section, Plugin& plugin, bool built_in) {
    if (!built_in) section.require("kind", "\"discovery\" or \"transport\"");
    const PluginKind known = plugin.kind;
    section.choice("kind", plugin.kind,
                   {{"discovery", PluginKind::discovery}, {"transport", PluginKind::transport}});
    if (built_in && plugin.kind != known)
        section.complain("kind", "this built-in plugin is of the other kind");
}

void read_discovery_keys(Section& section, Plugin& plugin, const Configuration& configuration) {
    const auto usable = [&configuration](const std::string& name) -> Result<void> {
        if (name == "caller")
            return wrong("a plugin cannot work as its caller", "name a keytab's identity, or \"host\"");
        return check_identity(configuration, name);
    };
    section.text("identity", plugin.identity, usable);
    section.duration("timeout", plugin.timeout, 100ms, 5min);
    section.integer("finders", plugin.finders, 1, 64);
    section.refuse("protection", "has no meaning for a discovery plugin");
}

void read_transport_keys(Section& section, Plugin& plugin, bool built_in) {
    const Protection known = plugin.protection;
    section.choice("protection", plugin.protection,
                   {{"stream", Protection::stream}, {"rpc", Protection::rpc}});
    if (built_in && plugin.protection != known)
        section.complain("protection", "this built-in plugin needs the other one");
    for (const char* key : {"identity", "timeout", "finders"})
        section.refuse(key, "has no meaning for a transport plugin");
}

void read_plugin(Section& section, const std::string& name, Configuration& configuration) {
    const auto [place, is_new] = configuration.plugins.try_emplace(name);
    Plugin& plugin = place->second;
    plugin.name = name;
    plugin.where = section.where();
    read_kind(section, plugin, !is_new);
    section.text("path", plugin.path, check_absolute_path);
    section.boolean("enabled", plugin.enabled);
    if (plugin.kind == PluginKind::discovery)
        read_discovery_keys(section, plugin, configuration);
    else
        read_transport_keys(section, plugin, !is_new);
    section.json("options", plugin.options);
}

}  // namespace

void read_identities(Section& root, Configuration& configuration) {
    configuration.identities.emplace("caller", Identity{"caller", IdentityKind::caller, "", "", {}});
    configuration.identities.emplace("host", Identity{"host", IdentityKind::host, "", "", {}});
    read_named(root, "identity", [&](Section& section, const std::string& name) {
        read_identity(section, name, configuration);
    });
}

void read_plugins(Section& root, Configuration& configuration) {
    add_built_in_plugins(configuration);
    read_named(root, "plugin",
               [&](Section& section, const std::string& name) { read_plugin(section, name, configuration); });
    for (auto& [name, plugin] : configuration.plugins)
        if (plugin.path.empty()) plugin.path = configuration.daemon.plugin_folder + "/" + name + ".so";
}

}  // namespace mutual::config
