// SPDX-License-Identifier: Apache-2.0
// Connects to the first of several endpoints that lets it, within a deadline.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <vector>

#include "daemon/channel/endpoint.h"
#include "daemon/channel/event_loop.h"

namespace mutual::channel {

// One endpoint that was tried; an empty message: it worked.
struct Attempt {
    Endpoint endpoint;
    std::string message;
    std::chrono::microseconds took{0};
};

struct Connected {
    UniqueFd socket;
    Endpoint endpoint;
};

// In turn. Each gets its fair share of the time that is left, and 250 ms at least while there is so much.
// `attempts` is added to. Errors: unreachable, timed_out.
asio::awaitable<Result<Connected>> connect_to_any(asio::io_context& loop, std::vector<Endpoint> endpoints,
                                                  Instant deadline,
                                                  std::shared_ptr<std::vector<Attempt>> attempts);

}  // namespace mutual::channel
