// SPDX-License-Identifier: Apache-2.0
// org.mutuald.Plugins: what the broker may ask for, and the pools of finders that do the work.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/plugin/finder_pool.h"
#include "varlink/service.h"

namespace mutual::plugin {

class Supervisor {
public:
    Supervisor(asio::io_context& loop, FinderPool::Complaint complaint);

    // Replaces the pools whose definition has changed; calls in progress end in the old ones.
    // `fingerprint`, of the configuration that they are from, is told by Status.
    void use(const std::vector<PluginDefinition>& definitions, const std::string& fingerprint);
    // Adds the interface and its methods, which refer to this object.
    void serve(varlink::Service& service);

private:
    asio::awaitable<varlink::Reply> find(varlink::Incoming incoming);
    asio::awaitable<varlink::Reply> resolve(varlink::Incoming incoming);
    asio::awaitable<varlink::Reply> status(varlink::Incoming incoming);
    void warm_up(const std::shared_ptr<FinderPool>& pool);

    asio::io_context& loop_;
    FinderPool::Complaint complaint_;
    std::string fingerprint_;
    std::shared_ptr<FinderPool> names_;
    std::map<std::string, std::shared_ptr<FinderPool>, std::less<>> pools_;
};

}  // namespace mutual::plugin
