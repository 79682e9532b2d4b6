// SPDX-License-Identifier: Apache-2.0
// The fetchers, seen from mutuald-keys: one call at a time each, kept for a while when idle, few per
// user and per keytab, killed when whoever waits gives up. What a fetcher answers is untrusted and checked
// here.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "daemon/keys/child.h"
#include "daemon/keys/ticket_source.h"
#include "varlink/connection.h"

namespace mutual::keys {

namespace asio = boost::asio;

// Whose credentials, and which.
struct Source {
    enum class Kind { cache, keytab } kind = Kind::cache;
    Owner owner;
    std::string name;       // of the cache, or path of the keytab; an empty cache name: the owner's default
    std::string principal;  // keytab only; empty: its host principal
    bool operator==(const Source&) const = default;
    bool operator<(const Source& other) const {
        return std::tie(kind, owner, name, principal) <
               std::tie(other.kind, other.owner, other.name, other.principal);
    }
};
std::string to_text(const Source& source);

struct Fetched {
    Ticket ticket;
    bool cached = false;
};

// A ticket that somebody has, without the ticket.
struct Held {
    std::string client;
    std::int64_t end = 0;  // seconds since the epoch
};

class Fetcher;

// One that should be gone and could not be killed yet.
struct Doomed {
    uid_t uid;
    UniqueFd pidfd;
};

class FetcherPool : public std::enable_shared_from_this<FetcherPool> {
public:
    using Time = std::chrono::steady_clock::time_point;

    FetcherPool(asio::io_context& loop, ChildImage image);
    ~FetcherPool();

    // Fails when the time is over, whatever the fetcher or the KDC does. Cancelling kills the fetcher at
    // work.
    asio::awaitable<Result<Fetched>> fetch(Source source, Wanted wanted, std::chrono::milliseconds timeout);

    // What a cache's ticket-granting ticket is; no key leaves the fetcher, and no KDC is asked.
    asio::awaitable<Result<Held>> inspect(Source source, std::chrono::milliseconds timeout);

    // Ends the fetchers that have been idle for 30 s, and those that could not be ended before.
    void sweep(Time now);
    std::size_t size() const;

private:
    struct Waiter;
    struct Looked;

    asio::awaitable<Result<std::unique_ptr<Fetcher>>> acquire(Source source, Time deadline);
    asio::awaitable<Result<Looked>> look(Source source, Wanted wanted, Time deadline, Error late);
    asio::awaitable<Result<varlink::Reply>> call(Fetcher& fetcher, const char* method, Wanted wanted,
                                                 Time deadline, Error late);
    std::unique_ptr<Fetcher> take_idle(const Source& source);
    Result<std::unique_ptr<Fetcher>> start(const Source& source);
    void give_back(std::unique_ptr<Fetcher> fetcher);
    void ended(const std::string& sharer, pid_t pid);
    void wake(const std::string& sharer);

    asio::io_context& loop_;
    ChildImage image_;
    std::list<Doomed> doomed_;  // before the fetchers, which add to it when they go
    std::list<std::unique_ptr<Fetcher>> idle_;
    std::map<std::string, std::size_t> processes_;  // by sharer: started and not yet collected
    std::list<Waiter*> waiters_;
};

}  // namespace mutual::keys
