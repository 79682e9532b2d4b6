// SPDX-License-Identifier: Apache-2.0
// [daemon] and [daemon.limits].
#include "daemon/config/checks.h"
#include "daemon/config/read.h"
#include "daemon/unit/account.h"

namespace mutual::config {
namespace {

using namespace std::chrono_literals;

void read_bounds(Section& section, const std::string& key, Bounds& bounds, std::int64_t most) {
    section.integer(key, bounds.all, 1, most);
    section.integer(key + "_per_uid", bounds.uid, 1, most);
    section.integer(key + "_per_unit", bounds.unit, 0, most);
}

void read_limits(Section& daemon, ApiLimits& limits) {
    const Node* node = daemon.table("limits");
    if (node == nullptr) return;
    Section section(*node, daemon.path_of("limits"), daemon.errors());
    section.integer("message", limits.message, 4096, 1024 * 1024);
    section.integer("depth", limits.depth, 4, 64);
    read_bounds(section, "connections", limits.connections, 100'000);
    read_bounds(section, "requests", limits.requests, 100'000);
    read_bounds(section, "handshakes", limits.handshakes, 100'000);
    read_bounds(section, "channels", limits.channels, 1'000'000);
    section.finish();
}

// The default group may be absent; one that was written must be there.
void read_admin_group(Section& section, Daemon& daemon) {
    const auto find = [&daemon](const std::string& name) -> Result<void> {
        auto gid = unit::find_group(name);
        if (!gid) return gid.error();
        daemon.admin_gid = *gid;
        return {};
    };
    if (!section.text("admin_group", daemon.admin_group, find) && !section.has("admin_group"))
        [[maybe_unused]]
        const auto absent = find(daemon.admin_group);
}

}  // namespace

void read_daemon(Section& root, Configuration& configuration) {
    Daemon& daemon = configuration.daemon;
    const Node nothing{{}, {}, NodeTable{}};
    const Node* node = root.table("daemon");
    Section section(node == nullptr ? nothing : *node, root.path_of("daemon"), root.errors());
    daemon.plugin_folder = MUTUAL_PLUGIN_FOLDER;
    section.duration("request_timeout", daemon.request_timeout, 100ms, 5min);
    section.text("plugin_folder", daemon.plugin_folder, check_absolute_path);
    section.duration("longest_cache", daemon.longest_cache, 0s, 24h);
    section.duration("negative_cache", daemon.negative_cache, 0s, 1h);
    section.choice("unit_lookup", daemon.unit_lookup,
                   {{"pidfd", UnitLookup::pidfd}, {"proc", UnitLookup::proc}});
    read_admin_group(section, daemon);
    read_limits(section, daemon.limits);
    section.finish();
}

}  // namespace mutual::config
