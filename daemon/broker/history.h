// SPDX-License-Identifier: Apache-2.0
// The explanations of the last requests, for who asks later: "what happened to request 6bd6...?".
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "daemon/broker/explanation.h"

namespace mutual::broker {

struct PastRequest {
    std::string method;  // Open, Plan or Find
    std::string result;  // "Ok", or the error's name
    std::string message;
    std::string hint;
    Explanation explanation;
    std::int64_t ended = 0;  // seconds since the epoch
};

class History {
public:
    // The oldest ones make room, for number and for size: a caller that asks much pushes out what is old.
    static constexpr std::size_t most = 1000;
    static constexpr std::size_t most_octets = 8 * 1024 * 1024;

    void add(PastRequest past);
    std::optional<PastRequest> find(const std::string& request) const;
    const std::deque<PastRequest>& all() const { return kept_; }  // oldest first
    std::size_t size() const { return kept_.size(); }

private:
    static std::size_t octets_of(const PastRequest& past);

    std::deque<PastRequest> kept_;  // oldest first
    std::size_t octets_ = 0;
};

}  // namespace mutual::broker
