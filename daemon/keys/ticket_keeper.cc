// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/ticket_keeper.h"

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>

namespace mutual::keys {

namespace {

constexpr std::int64_t renewed_before_end = 600;  // seconds

Result<CacheFile> file_of(const Ticket& ticket) {
    auto content = cache_file_of(ticket);
    if (!content) return std::move(content).error();
    return CacheFile{std::move(*content), ticket.client, ticket.end};
}

}  // namespace

asio::awaitable<Result<CacheFile>> TicketKeeper::cache_file(Source source,
                                                            std::chrono::milliseconds timeout) {
    const auto found = kept_.find(source);
    if (found != kept_.end() && now_seconds() < found->second.renewed_from)
        co_return file_of(found->second.ticket);
    Wanted granting_ticket;
    auto fetched = co_await fetchers_->fetch(source, std::move(granting_ticket), timeout);
    if (!fetched) co_return std::move(fetched).error();
    Kept kept{std::move(fetched->ticket), 0};
    const std::int64_t life = kept.ticket.end - now_seconds();
    kept.renewed_from = kept.ticket.end - std::min(renewed_before_end, life / 2);
    auto file = file_of(kept.ticket);
    kept_.insert_or_assign(source, std::move(kept));
    co_return std::move(file);
}

}  // namespace mutual::keys
