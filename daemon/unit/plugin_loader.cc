// SPDX-License-Identifier: Apache-2.0
#include "daemon/unit/plugin_loader.h"

#include <sys/stat.h>

#include <boost/dll/shared_library.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "mutual/discovery.h"
#include "mutual/registrar.h"
#include "mutual/transport.h"

namespace mutual::unit {
namespace {

namespace dll = boost::dll;
using std::filesystem::path;

Error refused(const path& file, const std::string& why, std::string hint = {}) {
    return {Code::invalid_configuration, Stage::request, "load plugin " + file.string() + ": " + why,
            std::move(hint)};
}

std::string octal(mode_t mode) {
    char text[8];
    std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777));
    return text;
}

Result<void> check_one(const path& file, const path& part) {
    struct stat status {};
    if (::lstat(part.c_str(), &status) != 0)
        return refused(file, part.string() + ": " + std::strerror(errno),
                       "install the plugin, or correct its path");
    if (status.st_uid != 0)
        return refused(file, part.string() + " belongs to uid " + std::to_string(status.st_uid),
                       "chown it to root");
    const bool sticky_folder = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX);
    if (!S_ISLNK(status.st_mode) && !sticky_folder && (status.st_mode & (S_IWGRP | S_IWOTH)))
        return refused(file, part.string() + " is writable by others (mode " + octal(status.st_mode) + ")",
                       "chmod go-w " + part.string());
    return {};
}

Result<void> check_all(const path& file, const path& way) {
    path part;
    for (const auto& step : way) {
        part /= step;
        if (auto checked = check_one(file, part); !checked) return checked;
    }
    return {};
}

// Both ways are checked: the one that was named, and the one that its symbolic links lead to.
Result<path> check_file(const path& file) {
    if (!file.is_absolute()) return refused(file, "the path is not absolute");
    if (auto checked = check_all(file, file.lexically_normal()); !checked) return checked.error();
    std::error_code failure;
    auto real = std::filesystem::canonical(file, failure);
    if (failure) return refused(file, failure.message());
    if (auto checked = check_all(file, real); !checked) return checked.error();
    if (!std::filesystem::is_regular_file(real, failure)) return refused(file, "it is not a regular file");
    return real;
}

// Code and data of a plugin are pointed to from everywhere, so what was opened stays open until the process
// ends.
void keep(dll::shared_library library) {
    static auto* const kept = new std::vector<dll::shared_library>;
    kept->push_back(std::move(library));
}

const char* kind_name(PluginKind kind) {
    switch (kind) {
        case PluginKind::discovery:
            return "discovery";
        case PluginKind::transport:
            return "transport";
        case PluginKind::registrar:
            return "registrar";
    }
    return "unknown";
}

bool has_factory(const Plugin& plugin) {
    switch (plugin.kind) {
        case PluginKind::discovery:
            return plugin.discovery != nullptr;
        case PluginKind::transport:
            return plugin.transport != nullptr;
        case PluginKind::registrar:
            return plugin.registrar != nullptr;
    }
    return false;
}

Result<void> check_plugin(const path& file, const Plugin& plugin, PluginKind kind) {
    if (plugin.magic != plugin_magic) return refused(file, "its mutual_plugin has the wrong magic number");
    if (plugin.contract != plugin_contract)
        return refused(file,
                       "it was built for contract version " + std::to_string(plugin.contract) +
                           ", this program has version " + std::to_string(plugin_contract),
                       "build the plugin against this version's headers");
    if (plugin.kind != kind)
        return refused(file, std::string("it is a ") + kind_name(plugin.kind) + " plugin, not a " +
                                 kind_name(kind) + " plugin");
    if (!plugin.name || !plugin.version) return refused(file, "it has no name or no version");
    if (!has_factory(plugin)) return refused(file, std::string("it has no factory for a ") + kind_name(kind));
    return {};
}

template <class Made>
Result<std::unique_ptr<Made>> make(const Plugin& plugin,
                                   Result<std::unique_ptr<Made>> (*factory)(const PluginConfiguration&),
                                   std::string_view configuration) {
    const auto failed = [&](const std::string& why) {
        return Error{Code::plugin_failed, Stage::request,
                     std::string("start plugin ") + plugin.name + ": " + why};
    };
    try {
        auto made = factory(PluginConfiguration{configuration});
        if (made && !*made) return failed("it gave no object");
        return made;
    } catch (const std::exception& thrown) {
        return failed(std::string("it threw: ") + thrown.what());
    } catch (...) {
        return failed("it threw something unknown");
    }
}

}  // namespace

Result<const Plugin*> load_plugin(const path& file, PluginKind kind) {
    auto real = check_file(file);
    if (!real) return std::move(real).error();
    dll::shared_library library;
    try {
        library.load(*real, dll::load_mode::rtld_now | dll::load_mode::rtld_local);
    } catch (const std::exception& thrown) {  // its text has what dlerror() said
        return refused(file, thrown.what());
    }
    const bool introduced = library.has("mutual_plugin");
    const Plugin* plugin = introduced ? &library.get<const Plugin>("mutual_plugin") : nullptr;
    keep(std::move(library));
    if (!plugin) return refused(file, "it has no symbol mutual_plugin", "is this a plugin of mutuald?");
    if (auto checked = check_plugin(file, *plugin, kind); !checked) return checked.error();
    return plugin;
}

Result<std::unique_ptr<Discovery>> make_discovery(const Plugin& plugin, std::string_view configuration) {
    return make(plugin, plugin.discovery, configuration);
}

Result<std::unique_ptr<Transport>> make_transport(const Plugin& plugin, std::string_view configuration) {
    return make(plugin, plugin.transport, configuration);
}

Result<std::unique_ptr<Registrar>> make_registrar(const Plugin& plugin, std::string_view configuration) {
    return make(plugin, plugin.registrar, configuration);
}

}  // namespace mutual::unit
