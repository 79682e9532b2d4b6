// SPDX-License-Identifier: Apache-2.0
// What the broker says to mutuald-plugin, and reads of its answers; values only. Answers are read as those of
// mutuald-channel are (channel_messages.h), but a candidate that is refused leaves the others in place.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mutual/discovery.h"
#include "mutual/error.h"
#include "varlink/message.h"

namespace mutual::broker {

struct Found {
    std::vector<Candidate> candidates;  // checked for ranges only
    std::vector<std::string> notes;
    std::optional<Error> problem;  // what ended the search early; candidates may be there all the same
};

struct PluginState {
    std::string name;
    std::string path;
    std::string version;
    std::string state;  // ready, failed, backoff
    std::int64_t finders = 0;
    std::int64_t failures = 0;
    std::optional<Error> problem;
};

struct PluginsStatus {
    std::int64_t pid = 0;
    std::string fingerprint;  // of the configuration in use
    std::vector<PluginState> plugins;
};

// Where rpcbind says that an RPC program is: a hint, from anybody.
struct RpcPlace {
    std::string address;  // numeric
    std::uint16_t port = 0;
    std::string how;  // "rpcbind v4"
};

boost::json::object to_json(const Query& query);

Found read_found(const varlink::Reply& reply);
Result<std::vector<std::string>> read_addresses(const varlink::Reply& reply);
Result<RpcPlace> read_rpc_place(const varlink::Reply& reply);
Result<PluginsStatus> read_plugins_status(const varlink::Reply& reply);

}  // namespace mutual::broker
