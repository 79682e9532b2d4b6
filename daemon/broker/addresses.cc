// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/addresses.h"

#include <algorithm>

namespace mutual::broker {

asio::awaitable<Result<Addresses::List>> Addresses::of(std::string host, std::chrono::milliseconds timeout,
                                                       std::chrono::seconds keep) {
    const auto known = entries_.find(host);
    if (known != entries_.end() && known->second.until > Clock::now()) co_return known->second.addresses;
    Result<List> resolved = co_await plugins_.resolve(host, timeout);
    if (resolved && keep.count() > 0) remember(std::move(host), *resolved, keep);
    co_return resolved;
}

void Addresses::remember(std::string host, const List& addresses, std::chrono::seconds keep) {
    const auto now = Clock::now();
    if (entries_.size() >= most_entries)
        std::erase_if(entries_, [now](const auto& entry) { return entry.second.until <= now; });
    if (entries_.size() >= most_entries) return;
    entries_[std::move(host)] = Entry{addresses, now + std::min(keep, longest)};
}

}  // namespace mutual::broker
