// SPDX-License-Identifier: Apache-2.0
// Passes the log's decisions on to those who watch: each sees its own requests, administrators see all. A
// watcher that does not keep up loses events, and is told how many.
#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>
#include <deque>
#include <memory>
#include <vector>

#include "daemon/unit/log.h"

namespace mutual::broker {

class Monitor {
public:
    static constexpr std::size_t most_waiting = 256;  // events of one watcher

    class Watcher {
    public:
        Watcher(boost::asio::io_context& loop, uid_t uid, bool sees_all)
            : uid_(uid), sees_all_(sees_all), event_(loop) {}
        // The next event, with `lost` in it if some were; waits for one.
        boost::asio::awaitable<boost::json::object> next();

    private:
        friend class Monitor;
        void tell(const boost::json::object& event, const std::string& caller_uid);

        uid_t uid_;
        bool sees_all_;
        boost::asio::steady_timer event_;
        std::deque<boost::json::object> waiting_;
        std::int64_t lost_ = 0;
    };

    explicit Monitor(boost::asio::io_context& loop) : loop_(loop) {}

    // It watches as long as it lives.
    std::shared_ptr<Watcher> watch(uid_t uid, bool sees_all);
    // Lines without a decision are not events.
    void tell(const unit::LogLine& line);

private:
    boost::asio::io_context& loop_;
    std::vector<std::weak_ptr<Watcher>> watchers_;
};

}  // namespace mutual::broker
