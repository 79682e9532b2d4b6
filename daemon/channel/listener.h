// SPDX-License-Identifier: Apache-2.0
// Accepts the connections of one service and deals them to the workers, within the service's limits. On the
// control loop's thread.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <vector>

#include "daemon/channel/worker.h"

namespace mutual::channel {

using Workers = std::vector<std::unique_ptr<Worker>>;

class Listener : public std::enable_shared_from_this<Listener> {
public:
    Listener(asio::io_context& loop, const unit::Log& log, Workers& workers, UniqueFd socket);

    // From now on connections are for that service.
    void serve(std::shared_ptr<const AcceptingService> service);
    const AcceptingService& service() const { return *service_; }
    Endpoint endpoint() { return local_endpoint(socket_.native_handle()); }
    void start();
    void stop();

private:
    void wait();
    void accept_some();
    void pause(int failure);
    void deal(UniqueFd socket, Endpoint peer);
    bool take_place();

    asio::posix::stream_descriptor socket_;
    asio::steady_timer pause_;
    const unit::Log& log_;
    Workers& workers_;
    std::shared_ptr<const AcceptingService> service_;
    std::size_t next_ = 0;
    std::chrono::steady_clock::time_point complained_{};
};

}  // namespace mutual::channel
