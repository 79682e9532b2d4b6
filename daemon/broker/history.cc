// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/history.h"

#include <algorithm>

namespace mutual::broker {

std::size_t History::octets_of(const PastRequest& past) {
    return sizeof past + past.message.size() + past.hint.size() + past.explanation.octets();
}

void History::add(PastRequest past) {
    octets_ += octets_of(past);
    kept_.push_back(std::move(past));
    while (kept_.size() > most || (octets_ > most_octets && kept_.size() > 1)) {
        octets_ -= octets_of(kept_.front());
        kept_.pop_front();
    }
}

std::optional<PastRequest> History::find(const std::string& request) const {
    const auto is_it = [&](const PastRequest& past) { return past.explanation.request() == request; };
    const auto found = std::find_if(kept_.rbegin(), kept_.rend(), is_it);
    if (found == kept_.rend()) return std::nullopt;
    return *found;
}

}  // namespace mutual::broker
