// SPDX-License-Identifier: Apache-2.0
// The connections of one event loop to the broker's admission socket: one for each question that is open, and
// a few that wait for the next. A question that nobody waits for any more takes its connection with it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "varlink/connection.h"

namespace mutual::channel {

namespace asio = boost::asio;

class BrokerConnections {
public:
    BrokerConnections(asio::io_context& loop, std::string path) : loop_(loop), path_(std::move(path)) {}

    struct Taken {
        std::unique_ptr<varlink::Connection> connection;
        bool is_fresh = true;  // one that was used before may have been closed by the broker just now
    };
    // Does not wait: unavailable or limit, if the broker takes no connection now.
    Result<Taken> take();
    // Of one whose call was answered.
    void give_back(std::unique_ptr<varlink::Connection> connection);

private:
    asio::io_context& loop_;
    std::string path_;
    std::vector<std::unique_ptr<varlink::Connection>> idle_;
};

}  // namespace mutual::channel
