// SPDX-License-Identifier: Apache-2.0
// The serving side: a table of methods, org.varlink.service with the descriptions, and the loop that answers
// one connection's calls in order. When the peer hangs up while a method runs, that method is cancelled: its
// next co_await throws.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "varlink/connection.h"
#include "varlink/pace.h"

namespace mutual::varlink {

// One call while it is served. The connection outlives it.
struct Incoming {
    Call call;
    std::shared_ptr<Connection> connection;
    const PeerCredentials& peer() const { return connection->peer(); }
};

class Service {
public:
    using Method = std::function<asio::awaitable<Reply>(Incoming)>;
    // A defect while serving (an exception that left a method) is told here; the caller gets `internal`.
    using Complaint = std::function<void(std::string_view)>;

    struct About {
        std::string vendor;
        std::string product;
        std::string version;
        std::string url;
    };

    Service(About about, Complaint complaint);

    // The text of an interface description; its methods are those that method() may add.
    void describe(std::string_view idl);
    // `name` is fully qualified. The method itself should be an ordinary function that returns a coroutine's
    // awaitable, or a lambda that does nothing but call one.
    void method(std::string name, Method method);
    // One that must be called with `more`, and itself sends the replies that have `continues` over the call's
    // connection; what it returns is the last one.
    void streaming_method(std::string name, Method method);

    // One that may also be called with `upgrade`; a reply without an error then says who takes the connection
    // over.
    void upgradable_method(std::string name, Method method);

    // Serves until the peer closes, breaks the protocol, or the coroutine is cancelled, or a reply's
    // take_over() got the connection.
    asio::awaitable<void> serve(std::shared_ptr<Connection> connection) const;

    // Closes the connections on which no call is under way: who watches one learns that something has changed
    // here.
    void hang_up() const;

private:
    asio::awaitable<Reply> answer(Incoming incoming) const;
    std::optional<Reply> refusal_of(const Incoming& incoming) const;
    asio::awaitable<Reply> answer_unless_hung_up(Incoming incoming) const;
    Reply information() const;
    Reply description(const json::object& parameters) const;

    About about_;
    Complaint complaint_;
    std::map<std::string, std::string, std::less<>> descriptions_;  // by interface name
    std::map<std::string, Method, std::less<>> methods_;
    std::set<std::string, std::less<>> streaming_;
    std::set<std::string, std::less<>> upgradable_;
    asio::awaitable<void> in_turn(Connection& connection, unsigned units) const;
    mutable Pace pace_;
    struct Serving;
    mutable std::vector<std::weak_ptr<Serving>> serving_;  // connections
};

// The name that an interface description declares; empty if it declares none.
std::string interface_name(std::string_view idl);

}  // namespace mutual::varlink
