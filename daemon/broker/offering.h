// SPDX-License-Identifier: Apache-2.0
// Keeps one service of this host on offer: gets accepting grants from mutuald-keys, lets mutuald-channel
// listen with them, and does both again when either program was restarted or the definition has changed.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/broker/broker.h"

namespace mutual::broker {

class Offering {
public:
    Offering(Broker& broker, const config::Service& service);

    // Runs until it was withdrawn. The object must outlive it.
    asio::awaitable<void> run();

    // The definition from now on. Grants and listener stay as they are if nothing in it concerns them.
    void use(const config::Service& service);
    // Ends it; channels that it accepted live on.
    void withdraw();
    bool is_withdrawn() const { return !wanted_; }

    const std::string& service() const { return service_; }
    // For Status: where it listens, or why it does not.
    const std::string& state() const { return state_; }
    enum class State { starting, listening, failed };
    State phase() const { return phase_; }
    // Why it is not offered as it should be; logged unless it is the same as before.
    void complain(const Error& error);

private:
    // All that the two programs are told.
    struct Order {
        std::string transport;
        config::Protection protection = config::Protection::stream;
        std::string options;  // the wire's, as JSON text
        std::string keytab;
        std::vector<std::string> principals;
        std::string address;
        std::uint16_t port = 0;
        config::AcceptLimits limits;
        // What rpcbind is to know of it; program 0: nothing.
        std::uint32_t rpc_program = 0;
        std::vector<std::uint32_t> rpc_versions;
        bool operator==(const Order&) const = default;
    };
    // Connections to the programs that it takes: each ends when its program does.
    struct Watched {
        std::vector<std::shared_ptr<varlink::Connection>> connections;
        bool is_gone = false;
    };
    Order order_of(const config::Service& service) const;

    asio::awaitable<Result<void>> offer(Order order);
    asio::awaitable<Result<Endpoint>> listen(Order order, std::vector<UniqueFd> grants);
    asio::awaitable<void> register_rpc(Order order, Endpoint endpoint);
    asio::awaitable<void> unregister_rpc();
    asio::awaitable<void> close();
    asio::awaitable<void> failed(Order order, Error error);
    Result<std::shared_ptr<Watched>> watch(const Order& order);
    asio::awaitable<void> tell_when_gone(std::shared_ptr<Watched> watched, std::size_t index);
    asio::awaitable<void> until_changed_or_gone(std::shared_ptr<Watched> watched);

    Broker& broker_;
    const std::string service_;
    std::optional<Order> wanted_;
    bool has_changed_ = false;  // what is wanted, since it was looked at last
    asio::steady_timer event_;
    std::string transport_;       // where it may be listening; empty: nowhere
    bool is_registered_ = false;  // or may be, in rpcbind
    // What it is offered by until it is closed, and where it listens.
    std::optional<Order> offered_;
    std::string listening_;
    // Grants before this one serve the handshakes that had begun with them, until that time.
    std::int64_t generation_ = 0;
    std::optional<std::chrono::steady_clock::time_point> earlier_end_;
    std::string state_ = "starting";
    State phase_ = State::starting;
};

}  // namespace mutual::broker
