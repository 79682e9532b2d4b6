// SPDX-License-Identifier: Apache-2.0
// A finder: the process that loads one discovery plugin, or none, and serves its supervisor one call at a
// time over a socket pair. It may block and crash: it is killed at the deadline and replaced.
//
// The calls, in Varlink's framing, between this program and itself only:
//   Load(path, options) -> (version)
//   Find(query, timeoutMilliseconds, ticketsFileDescriptor?, ticketsPrincipal?), `more` -> (candidate) or
//   (note), each
//       as soon as it is known, so that it survives a kill; at last (problem?)
//   Resolve(host) -> (addresses)
//   FindRpc(addresses, program, rpcVersion, port, timeoutMilliseconds) -> (address, port, how)
//   Register(isWanted, socket, program, versions, address, port, timeoutMilliseconds) -> ()
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "mutual/discovery.h"
#include "varlink/client.h"

namespace mutual::plugin {

class Child {
public:
    explicit Child(UniqueFd socket) : connection_(std::move(socket)) {}

    // Serves until the supervisor closes, or the plugin can no longer be relied on. The exit status.
    int run();

private:
    // False: this process should be replaced.
    bool serve(varlink::Call call);
    varlink::Reply load(const varlink::Call& call);
    bool find(varlink::Call& call);
    varlink::Reply resolve_host(const varlink::Call& call);
    varlink::Reply find_rpc(const varlink::Call& call);
    varlink::Reply register_rpc(const varlink::Call& call);
    std::optional<Error> run_plugin(const Query& query, const TicketCache& tickets, Deadline deadline);
    bool send(varlink::Reply reply) { return connection_.reply(std::move(reply)).ok(); }

    varlink::BlockingConnection connection_;
    std::string name_;
    std::unique_ptr<Discovery> plugin_;
};

}  // namespace mutual::plugin
