// SPDX-License-Identifier: Apache-2.0
// Asks the broker whether the peer of one handshake is admitted, and tells it how the handshake ended. While
// no broker answers it goes on asking; whoever started it keeps the time.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>

#include "daemon/channel/broker_connections.h"
#include "daemon/channel/endpoint.h"
#include "daemon/channel/event_loop.h"
#include "daemon/channel/replies.h"

namespace mutual::channel {

struct AdmissionQuestion {
    std::string service;
    std::string context;
    Endpoint endpoint;  // of the peer
    std::string claim;
    std::chrono::steady_clock::time_point deadline;
};

class Admission : public std::enable_shared_from_this<Admission> {
public:
    using Answered = std::function<void(Result<Admitted>)>;

    Admission(EventLoop& loop, std::shared_ptr<BrokerConnections> broker)
        : loop_(loop), broker_(std::move(broker)), pause_(loop.context()) {}

    // `answered` is called once, later, unless cancel() comes first.
    void ask(AdmissionQuestion question, Answered answered);
    // After an answer that admitted. Told to the broker if it wants to know.
    void settle(bool established);
    // Nobody waits for the answer any more.
    void cancel();

private:
    static asio::awaitable<void> obtain(std::shared_ptr<Admission> self, AdmissionQuestion question);
    static asio::awaitable<void> tell(std::shared_ptr<Admission> self, bool established);
    Result<Admitted> admitted_by(varlink::Reply reply, const std::string& context);
    void answer(Result<Admitted> result);

    EventLoop& loop_;
    std::shared_ptr<BrokerConnections> broker_;
    asio::steady_timer pause_;
    std::unique_ptr<varlink::Connection> connection_;
    Answered answered_;
    std::string channel_;
    bool cancelled_ = false;
};

}  // namespace mutual::channel
