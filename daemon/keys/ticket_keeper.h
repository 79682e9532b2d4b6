// SPDX-License-Identifier: Apache-2.0
// Ticket-granting tickets of keytab principals: got when one is first used, kept in memory, and renewed long
// before their end for as long as somebody uses them. What goes wrong is told while the old ticket still
// serves.
#pragma once

#include <boost/asio/steady_timer.hpp>
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
    using Time = std::chrono::steady_clock::time_point;
    using Complaint = std::function<void(std::string_view)>;
    // As FetcherPool::fetch().
    using Fetch =
        std::function<asio::awaitable<Result<Fetched>>(Source, Wanted, std::chrono::milliseconds timeout)>;

    TicketKeeper(asio::io_context& loop, Fetch fetch, Complaint complaint,
                 std::function<Time()> now = std::chrono::steady_clock::now);

    // The ticket of a keytab's principal, as a file for other libraries.
    asio::awaitable<Result<CacheFile>> cache_file(Source source, std::chrono::milliseconds timeout);
    // A service ticket that was got with it.
    asio::awaitable<Result<Fetched>> service_ticket(Source source, Wanted wanted,
                                                    std::chrono::milliseconds timeout);
    std::optional<TicketState> state(const Source& source) const;

    // The wall clock was set: whether a ticket serves by the new one, only the KDC can tell.
    void clock_was_set();
    // Begins the renewals that are due, and forgets what is over.
    void sweep(Time now);

private:
    // Getting one ticket-granting ticket, for everybody who waits for it. It has a time of its own: what a
    // caller has no patience for is no failure of the identity.
    struct Flight {
        explicit Flight(asio::io_context& loop) : over(loop, Time::max()) {}
        asio::steady_timer over;  // cancelled when `ended` becomes true
        bool ended = false;
        bool wanted = false;  // by a caller
        bool by_old_clock = false;
        std::optional<Error> failure;
    };
    struct Kept {
        std::shared_ptr<const Ticket> ticket;  // null: none was got so far
        std::shared_ptr<Flight> flight;        // null: none is under way
        Renewal renewal;
        bool used = true;  // since the ticket was got
        Time last_used;
        Time asked_at;  // the end of the last flight
        std::optional<Error> failure;
        std::int64_t failed_at = 0;
        Time told_at;
    };
    using Kepts = std::map<Source, Kept>;
    using Granting = Result<std::shared_ptr<const Ticket>>;

    // With `minimum_lifetime` seconds left, else no_credentials.
    asio::awaitable<Granting> granting(Source source, std::int64_t minimum_lifetime,
                                       std::chrono::milliseconds timeout);
    bool should_ask(const Kept& kept, std::int64_t minimum_lifetime) const;
    std::shared_ptr<Flight> begin(const Source& source, Kept& kept);
    asio::awaitable<void> fly(Source source);
    static asio::awaitable<Result<void>> end_of(std::shared_ptr<Flight> flight);
    void end_flight(Kept& kept, std::optional<Error> failure);
    void arrived(const Source& source, Ticket ticket);
    void failed(const Source& source, const Error& error);
    double dice() { return std::uniform_real_distribution<double>(0, 1)(random_); }

    asio::io_context& loop_;
    Fetch fetch_;
    Complaint complaint_;
    std::function<Time()> now_;
    Kepts kept_;
    std::minstd_rand random_;  // spreads load; no secret comes from it
};

}  // namespace mutual::keys
