// SPDX-License-Identifier: Apache-2.0
// What the broker counts, as OpenMetrics text (version 1.0.0). Labels have few values each: result codes,
// stages, and names from the configuration; never a principal, a host or a user.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mutual/error.h"

namespace mutual::broker {

struct CredentialGauge {
    bool usable = true;  // the keytab holds a key, and no attempt to get a ticket failed since
    std::optional<std::int64_t> expires;  // of the ticket that is kept, seconds since the epoch
};

// What is true at the moment of asking.
struct Gauges {
    std::int64_t uptime_seconds = 0;
    std::int64_t channels = 0;
    std::int64_t pending_requests = 0;
    std::int64_t waiting_accepts = 0;
    std::vector<std::pair<std::string, std::uint64_t>> quota_refusals;  // by the quota's key
    std::vector<std::pair<std::string, bool>> parts;     // whether each program answers, each plugin is ready
    std::vector<std::pair<std::string, bool>> services;  // whether each offered one listens
    std::map<std::string, CredentialGauge> credentials;  // by identity, or service that accepts
};

class Metrics {
public:
    using Duration = std::chrono::steady_clock::duration;

    // One request (Open, Plan or Find) is over.
    void request(std::string_view method, const std::optional<Error>& failure);
    // A peer was admitted, or not.
    void admission(const std::optional<Error>& failure);
    // How long one request spent in a stage.
    void spend(Stage stage, Duration time);

    std::string text(const Gauges& gauges) const;

private:
    // Seconds; the last one is without a bound.
    static constexpr std::array bounds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                       0.25,  0.5,    1.0,   2.5,  5.0,   10.0};
    struct Histogram {
        std::array<std::uint64_t, bounds.size() + 1> counts{};
        double sum = 0;
    };

    std::map<std::pair<std::string, std::string>, std::uint64_t> requests_;  // by method and result
    std::map<std::string, std::uint64_t> admissions_;                        // by result
    std::array<Histogram, stage_names.size()> stages_;
};

}  // namespace mutual::broker
