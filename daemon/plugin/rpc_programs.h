// SPDX-License-Identifier: Apache-2.0
// The part of org.mutuald.Plugins that is about ONC RPC: where others' programs are, and where ours are.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>

#include "daemon/plugin/finder_pool.h"
#include "daemon/plugin/registrations.h"
#include "varlink/service.h"
#include "wire/rpcbind.h"

namespace mutual::plugin {

// Where rpcbind is; another one in tests.
struct RpcbindPlace {
    std::uint16_t port = wire::rpcbind_port;  // of other hosts'
    RpcbindHere here;
};

class RpcPrograms {
public:
    RpcPrograms(asio::io_context& loop, RpcbindPlace rpcbind, const FinderPool::Complaint& complaint);

    // Adds the methods, which refer to this object.
    void serve(varlink::Service& service);
    // Has this host's rpcbind forget our programs, if it answers soon.
    asio::awaitable<void> end();

private:
    asio::awaitable<varlink::Reply> find(varlink::Incoming incoming);
    asio::awaitable<varlink::Reply> add(varlink::Incoming incoming);
    asio::awaitable<varlink::Reply> remove(varlink::Incoming incoming);
    asio::awaitable<varlink::Reply> keep(varlink::Incoming incoming);

    std::uint16_t port_;
    // Two: what strangers sent was in the hands of the one that finds.
    std::shared_ptr<FinderPool> finders_;
    Registrations registrations_;
};

}  // namespace mutual::plugin
