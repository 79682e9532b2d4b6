// SPDX-License-Identifier: Apache-2.0
// What discovery found, kept as long as it may be kept. Asks a service's plugins in the order of its
// definition; the first that knows an instance answers.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/broker/candidates.h"
#include "daemon/broker/explanation.h"
#include "daemon/broker/keys_client.h"
#include "daemon/broker/plugins_client.h"
#include "daemon/config/configuration.h"

namespace mutual::broker {

class Catalog {
public:
    using Clock = std::chrono::steady_clock;

    using Configuration = std::shared_ptr<const config::Configuration>;

    Catalog(KeysClient& keys, PluginsClient& plugins) : keys_(keys), plugins_(plugins) {}

    // Judged, not ordered. Empty: no plugin knows an instance. An error: none does, and at least one could
    // not look. The service is of that configuration.
    asio::awaitable<Result<std::vector<Judged>>> find(Configuration configuration,
                                                      const config::Service& service, Query query,
                                                      Clock::time_point deadline, Explanation& explanation);
    // Forgets every answer, also those that are still awaited.
    void forget();

private:
    struct Entry {
        std::vector<Candidate> candidates;
        Clock::time_point until;
    };
    struct Answer {
        std::vector<Candidate> candidates;
        std::optional<Error> problem;
    };

    asio::awaitable<Answer> ask(const config::Configuration& configuration, const config::Plugin& plugin,
                                Query query, Clock::time_point deadline, Explanation& explanation);
    asio::awaitable<Answer> ask_or_remember(const config::Configuration& configuration,
                                            const config::Plugin& plugin, Query query,
                                            Clock::time_point deadline, Explanation& explanation);
    void remember(const config::Daemon& daemon, std::string key, const Answer& answer);

    static constexpr std::size_t most_entries = 256;
    KeysClient& keys_;
    PluginsClient& plugins_;
    std::map<std::string, Entry, std::less<>> entries_;
    std::uint64_t forgotten_ = 0;  // how often: an answer to a question from before is not kept
};

// Of a definition, as mutuald-keys wants it. `cache` is the caller's credential cache, for identity caller.
Identity identity_of(const config::Identity& identity, const std::string& cache);

}  // namespace mutual::broker
