// SPDX-License-Identifier: Apache-2.0
// The plugins that the configuration defines: read at the start, anew when the broker or a signal says so,
// and given to the supervisor. A configuration that is wrong changes nothing.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/config/load.h"
#include "daemon/plugin/supervisor.h"
#include "daemon/unit/log.h"
#include "varlink/aside.h"
#include "varlink/service.h"

namespace mutual::plugin {

class Definitions {
public:
    Definitions(asio::io_context& loop, config::ConfigurationPaths paths, Supervisor& supervisor,
                const unit::Log& log);

    // Blocks; before the loop runs.
    Result<void> start();
    // Adds the broker's two methods, which refer to this object.
    void serve(varlink::Service& service);
    // As a signal says. One that comes meanwhile has it read once more.
    void reload();

private:
    struct Read {
        std::vector<PluginDefinition> plugins;
        std::string fingerprint;
    };
    struct Prepared {
        Read read;
        std::weak_ptr<varlink::Connection> connection;  // it is dropped when this is
    };
    using Reading = varlink::Aside<config::Loaded>;

    asio::awaitable<varlink::Reply> prepare(varlink::Incoming incoming);
    asio::awaitable<varlink::Reply> use_prepared(varlink::Incoming incoming);
    asio::awaitable<void> reload_while_wanted();
    asio::awaitable<Result<Read>> read_in(Reading& reading);
    Result<Read> definitions_of(const config::Loaded& loaded) const;

    asio::io_context& loop_;
    config::ConfigurationPaths paths_;
    Supervisor& supervisor_;
    const unit::Log& log_;
    // Neither waits for the other.
    Reading for_broker_;
    Reading for_signal_;
    std::optional<Prepared> prepared_;
    bool is_wanted_ = false;
    bool is_reloading_ = false;
};

}  // namespace mutual::plugin
