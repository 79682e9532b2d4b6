// SPDX-License-Identifier: Apache-2.0
// What mutuald-plugin is asked for, as it reads it: calls of the broker to the supervisor, and of the
// supervisor to a finder.
#pragma once

#include <chrono>
#include <string>

#include "daemon/plugin/query.h"
#include "mutual/error.h"
#include "varlink/message.h"
#include "varlink/parameters.h"

namespace mutual::plugin {

inline constexpr std::int64_t longest_timeout = 600'000;  // milliseconds, of a call of the broker

// Of a call of the broker, after the rest was read: that of another version is refused as `unavailable`,
// whatever else is in it.
Result<void> finish_call(varlink::Parameters& in, std::int64_t version);

// What is looked for, and with whose tickets.
struct FindRequest {
    Query query;
    UniqueFd tickets;  // may be absent
    std::string tickets_principal;
};

struct FindCall {
    std::string plugin;
    FindRequest request;
    std::chrono::milliseconds timeout{0};
};
struct ResolveCall {
    std::string host;
    std::chrono::milliseconds timeout{0};
};

Result<FindCall> read_find(varlink::Call& call);
Result<ResolveCall> read_resolve(const varlink::Call& call);
// The fingerprint.
Result<std::string> read_configuration_call(const varlink::Call& call);
Result<void> read_status(const varlink::Call& call);

struct LoadCall {
    std::string name, path, options;
};
struct FinderFindCall {
    FindRequest find;
    std::chrono::milliseconds timeout{0};
};
Result<LoadCall> read_load(const varlink::Call& call);
Result<FinderFindCall> read_finder_find(varlink::Call& call);
Result<std::string> read_finder_resolve(const varlink::Call& call);

}  // namespace mutual::plugin
