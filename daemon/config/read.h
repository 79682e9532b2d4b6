// SPDX-License-Identifier: Apache-2.0
// The sections of the configuration, each read into its part. Called in this order: a section may name what
// earlier ones define, and is checked against that.
#pragma once

#include "daemon/config/checks.h"
#include "daemon/config/configuration.h"
#include "daemon/config/section.h"

namespace mutual::config {

void read_daemon(Section& root, Configuration& configuration);
void read_identities(Section& root, Configuration& configuration);
void read_plugins(Section& root, Configuration& configuration);
void read_services(Section& root, Configuration& configuration);
void read_accept(Section& service_section, const Service& service, Accept& accept);
void read_rpc(Section& service_section, Service& service);
void read_accept_rpc(Section& accept_section, AcceptRpc& rpc);
// What the transport gets of an RPC service, at both ends.
std::string rpc_options(const Service& service);
// Keeps the patterns of a list of systemd units.
Section::Check keep_unit(std::vector<UnitPattern>& units);
void read_rules(Section& root, Configuration& configuration);

// Reads each table of `root`'s table `kind` ("service") with `read_one(section, name)`.
template <class ReadOne>
void read_named(Section& root, const std::string& kind, ReadOne read_one) {
    const Node* tables = root.table(kind);
    if (tables == nullptr) return;
    for (const auto& [name, node] : *tables->table()) {
        Section section(node, root.path_of(kind) + "." + name, root.errors());
        if (const auto good = check_name(name); !good)
            section.complain("", good.error().message, good.error().hint);
        read_one(section, name);
        section.finish();
    }
}

}  // namespace mutual::config
