// SPDX-License-Identifier: Apache-2.0
// Accepts connections on a Unix socket for a Service.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "varlink/service.h"

namespace mutual::varlink {

// Whether a peer may connect, and what its connection holds as long as it lives (which may be null). It may
// write a last word to the socket of one that it refuses, and tells the log about it.
using Admit = std::function<Result<std::shared_ptr<void>>(const PeerCredentials&, int socket)>;

// Accepts on a listening socket and serves each connection, for ever. A refused peer is closed, and so is,
// without a word, whoever of its uid comes within the next moment: to hear many refusals would cost more than
// to be served. `complaint` hears what is wrong with the socket itself.
asio::awaitable<void> listen(asio::io_context& loop, UniqueFd listener,
                             std::shared_ptr<const Service> service, Admit admit, Limits limits,
                             Service::Complaint complaint);

// What whoever is not served is told before its fresh connection is closed: one reply, to whatever it asks.
void say_last(int socket, const Reply& reply);

// The uid that an internal socket admits; everyone else is refused, and `complaint` hears of it.
Admit only_uid(uid_t uid, Service::Complaint complaint);

}  // namespace mutual::varlink
