// SPDX-License-Identifier: Apache-2.0
// What was checked of established contexts, by context id: given out once, and only for a while.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "daemon/keys/handshake.h"

namespace mutual::keys {

enum class Role { initiator, acceptor };

struct Facts {
    Role role = Role::initiator;
    std::string initiator;
    std::string acceptor;
    Flags flags;
    std::int64_t expires = 0;
};

boost::json::object to_json(const Flags& flags);

// 32 hexadecimal digits from the kernel's generator.
std::string random_context_id();

class FactsTable {
public:
    using Time = std::chrono::steady_clock::time_point;

    // Told of each new context. Those that it takes are given out no more, unless it turns out that whoever
    // took them is gone: the last ones may never have been read.
    using Taker = std::function<bool(const std::string& id, const Facts& facts)>;
    void offer_to(Taker taker) { taker_ = std::move(taker); }
    void taker_is_gone();
    // What was taken so far will be read.
    void forget_taken() { taken_.clear(); }

    // The new context's id. limit: nobody reads them.
    Result<std::string> add(Facts facts, Time until);
    std::optional<Facts> take(const std::string& id);
    void sweep(Time now);
    std::size_t size() const { return facts_.size(); }

private:
    struct Kept {
        Facts facts;
        Time until;
    };
    std::map<std::string, Kept> facts_;
    std::deque<std::pair<std::string, Kept>> taken_;  // the last ones, more than a socket holds
    std::map<std::string, Kept> left_;                // of takers that are gone; most of them were read
    Taker taker_;
};

}  // namespace mutual::keys
