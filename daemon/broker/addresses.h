// SPDX-License-Identifier: Apache-2.0
// The addresses of host names: asked of mutuald-plugin, and kept for a moment, for a host that is opened once
// is often opened again at once.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "daemon/broker/plugins_client.h"

namespace mutual::broker {

class Addresses {
public:
    using Clock = std::chrono::steady_clock;
    using List = std::vector<std::string>;

    explicit Addresses(PluginsClient& plugins) : plugins_(plugins) {}

    // Answers are kept for `keep` at most, and never longer than ten seconds: the resolver tells no time to
    // live.
    asio::awaitable<Result<List>> of(std::string host, std::chrono::milliseconds timeout,
                                     std::chrono::seconds keep);
    // What was known of the host did not work.
    void forget(const std::string& host) { entries_.erase(host); }

    static constexpr std::size_t most_entries = 1024;
    static constexpr std::chrono::seconds longest{10};

private:
    struct Entry {
        List addresses;
        Clock::time_point until;
    };
    void remember(std::string host, const List& addresses, std::chrono::seconds keep);

    PluginsClient& plugins_;
    std::map<std::string, Entry> entries_;
};

}  // namespace mutual::broker
