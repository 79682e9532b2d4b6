// SPDX-License-Identifier: Apache-2.0
// Feeds the service manager's watchdog from the program's own event loop, so that a loop that hangs is
// noticed.
#pragma once

#include <boost/asio/awaitable.hpp>

namespace mutual::unit {

// Returns at once where no watchdog is wanted; otherwise never, until it is cancelled.
boost::asio::awaitable<void> feed_watchdog();

}  // namespace mutual::unit
