// SPDX-License-Identifier: Apache-2.0
// Ticket-granting tickets of keytab principals: got when one is first used, kept in memory, and renewed long
// before their end for as long as somebody uses them. What goes wrong is told while the old ticket still
// serves.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>

#include "daemon/keys/fetcher_pool.h"
#include "daemon/keys/renewal.h"

namespace mutual::keys {

struct CacheFile {
    Secret content;  // a FILE credential cache
    std::string principal;
    std::int64_t expires = 0;
};

// What is known of one principal's ticket. Times are seconds since the epoch; 0: none.
struct TicketState {
    std::string principal;
    std::int64_t expires = 0;
    std::int64_t renews = 0;       // 0: not, for nobody has used it since it was got
    std::optional<Error> failure;  // of the last attempt; none once one succeeded
    std::int64_t failed_at = 0;
};

class TicketKeeper {
public:
    using Complaint = std::function<void(std::string_view)>;

    TicketKeeper(asio::io_context& loop, std::shared_ptr<FetcherPool> fetchers, Complaint complaint);

    // The ticket of a keytab's principal, as a file for other libraries.
    asio::awaitable<Result<CacheFile>> cache_file(Source source, std::chrono::milliseconds timeout);
    // A service ticket that was got with it.
    asio::awaitable<Result<Fetched>> service_ticket(Source source, Wanted wanted,
                                                    std::chrono::milliseconds timeout);
    std::optional<TicketState> state(const Source& source) const;

    // Begins the renewals that are due, and forgets what is over.
    void sweep(FetcherPool::Time now);

private:
    struct Kept {
        std::shared_ptr<const Ticket> ticket;  // null: none was got so far
        Renewal renewal;
        bool used = true;  // since the ticket was got
        FetcherPool::Time last_used;
        bool renewing = false;
        std::optional<Error> failure;
        std::int64_t failed_at = 0;
        FetcherPool::Time told_at;
    };
    using Kepts = std::map<Source, Kept>;

    // With `minimum_lifetime` seconds left, if the KDC gives so long a one.
    asio::awaitable<Result<std::shared_ptr<const Ticket>>> granting(Source source,
                                                                    std::int64_t minimum_lifetime,
                                                                    std::chrono::milliseconds timeout);
    asio::awaitable<void> renew(Source source);
    std::shared_ptr<const Ticket> keep(const Source& source, Ticket ticket);
    void failed(const Source& source, const Error& error);
    double dice() { return std::uniform_real_distribution<double>(0, 1)(random_); }

    asio::io_context& loop_;
    std::shared_ptr<FetcherPool> fetchers_;
    Complaint complaint_;
    Kepts kept_;
    std::minstd_rand random_;  // spreads load; no secret comes from it
};

}  // namespace mutual::keys
