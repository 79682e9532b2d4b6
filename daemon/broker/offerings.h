// SPDX-License-Identifier: Apache-2.0
// The services that this host offers, as the configuration says.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <string>

#include "daemon/broker/offering.h"

namespace mutual::broker {

class Offerings {
public:
    explicit Offerings(Broker& broker);

    // At the broker's start, once: what an earlier broker offered and this configuration does not ends first.
    void start();
    // After a reload, with the broker's configuration as it is then.
    void use_configuration();

    // By service. Some may be about to end.
    const std::map<std::string, std::shared_ptr<Offering>, std::less<>>& all() const { return offerings_; }

private:
    std::shared_ptr<Offering> add(const config::Service& service);
    asio::awaitable<void> clear(std::string transport);
    asio::awaitable<void> run(std::shared_ptr<Offering> offering);
    bool some_end() const;

    Broker& broker_;
    std::map<std::string, std::shared_ptr<Offering>, std::less<>> offerings_;
    asio::steady_timer ended_;  // cancelled whenever one has ended
};

}  // namespace mutual::broker
