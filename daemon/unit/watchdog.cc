// SPDX-License-Identifier: Apache-2.0
#include "daemon/unit/watchdog.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/unit/notify.h"

namespace mutual::unit {

namespace asio = boost::asio;

asio::awaitable<void> feed_watchdog() {
    const auto interval = watchdog_interval();
    if (!interval) co_return;
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (true) {
        notify_alive();
        timer.expires_after(*interval);
        co_await timer.async_wait(asio::use_awaitable);
    }
}

}  // namespace mutual::unit
