// SPDX-License-Identifier: Apache-2.0
// Ticket-granting tickets of keytab principals, kept and renewed for the directory searches of the daemon.
#pragma once

#include <map>

#include "daemon/keys/fetcher_pool.h"

namespace mutual::keys {

struct CacheFile {
    Secret content;  // a FILE credential cache
    std::string principal;
    std::int64_t expires = 0;
};

class TicketKeeper {
public:
    explicit TicketKeeper(std::shared_ptr<FetcherPool> fetchers) : fetchers_(std::move(fetchers)) {}

    // From memory while more than ten minutes, or half, of the ticket's life are left.
    asio::awaitable<Result<CacheFile>> cache_file(Source source, std::chrono::milliseconds timeout);

private:
    struct Kept {
        Ticket ticket;
        std::int64_t renewed_from = 0;
    };

    std::shared_ptr<FetcherPool> fetchers_;
    std::map<Source, Kept> kept_;
};

}  // namespace mutual::keys
