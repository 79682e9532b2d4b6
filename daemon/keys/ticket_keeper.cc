// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/ticket_keeper.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace mutual::keys {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds renewal_timeout{30'000};
// Failures of what nobody asks for any more are shown for so long.
constexpr std::chrono::hours forgotten_after{1};
constexpr std::chrono::minutes told_again_after{10};

bool lasts(const Ticket& ticket, std::int64_t lifetime) {
    return ticket.end - now_seconds() >= std::max<std::int64_t>(lifetime, 1);
}

std::string how_long(std::int64_t seconds) {
    if (seconds >= 7200) return std::to_string(seconds / 3600) + " h";
    if (seconds >= 120) return std::to_string(seconds / 60) + " min";
    return std::to_string(seconds) + " s";
}

std::string name_of(const Source& source, const std::shared_ptr<const Ticket>& ticket) {
    if (ticket) return ticket->client;
    return source.principal.empty() ? "the host principal in " + source.name : source.principal;
}

}  // namespace

TicketKeeper::TicketKeeper(asio::io_context& loop, std::shared_ptr<FetcherPool> fetchers, Complaint complaint)
    : loop_(loop),
      fetchers_(std::move(fetchers)),
      complaint_(std::move(complaint)),
      random_(std::random_device()()) {}

asio::awaitable<Result<CacheFile>> TicketKeeper::cache_file(Source source, milliseconds timeout) {
    auto ticket = co_await granting(std::move(source), 0, timeout);
    if (!ticket) co_return std::move(ticket).error();
    auto content = cache_file_of(**ticket);
    if (!content) co_return std::move(content).error();
    co_return CacheFile{std::move(*content), (*ticket)->client, (*ticket)->end};
}

asio::awaitable<Result<Fetched>> TicketKeeper::service_ticket(Source source, Wanted wanted,
                                                              milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    auto ticket = co_await granting(source, wanted.minimum_lifetime, timeout);
    if (!ticket) co_return std::move(ticket).error();
    wanted.granting = std::move(*ticket);
    const auto left = std::max(duration_cast<milliseconds>(deadline - Clock::now()), milliseconds(1));
    co_return co_await fetchers_->fetch(std::move(source), std::move(wanted), left);
}

asio::awaitable<Result<std::shared_ptr<const Ticket>>> TicketKeeper::granting(Source source,
                                                                              std::int64_t minimum_lifetime,
                                                                              milliseconds timeout) {
    if (const auto found = kept_.find(source); found != kept_.end()) {
        found->second.used = true;
        found->second.last_used = Clock::now();
        if (found->second.ticket && lasts(*found->second.ticket, minimum_lifetime))
            co_return found->second.ticket;
    }
    Wanted new_one;
    auto fetched = co_await fetchers_->fetch(source, std::move(new_one), timeout);
    if (!fetched) {
        failed(source, fetched.error());
        co_return std::move(fetched).error();
    }
    co_return keep(source, std::move(fetched->ticket));
}

std::shared_ptr<const Ticket> TicketKeeper::keep(const Source& source, Ticket ticket) {
    Kept& kept = kept_[source];
    kept.ticket = std::make_shared<const Ticket>(std::move(ticket));
    const std::chrono::seconds life(kept.ticket->end - now_seconds());
    kept.renewal.got(Clock::now(), life, dice());
    if (kept.failure)
        complaint_("the ticket of " + kept.ticket->client + " was got again after a failure; it lasts " +
                   how_long(life.count()));
    kept.failure.reset();
    return kept.ticket;
}

// Told when it begins, when its cause changes, and now and then.
void TicketKeeper::failed(const Source& source, const Error& error) {
    Kept& kept = kept_[source];
    const auto now = Clock::now();
    const bool is_news =
        !kept.failure || kept.failure->message != error.message || now - kept.told_at >= told_again_after;
    kept.renewal.failed(now, dice());
    kept.failure = error;
    kept.failed_at = now_seconds();
    if (kept.last_used == FetcherPool::Time()) kept.last_used = now;
    if (!is_news) return;
    kept.told_at = now;
    const std::int64_t left = kept.ticket ? kept.ticket->end - now_seconds() : 0;
    complaint_("cannot get a new ticket of " + name_of(source, kept.ticket) + ": " + to_string(error) +
               (left > 0 ? "; the one in use lasts " + how_long(left) : std::string()) + "; trying again");
}

asio::awaitable<void> TicketKeeper::renew(Source source) {
    Wanted new_one;
    auto fetched = co_await fetchers_->fetch(source, std::move(new_one), renewal_timeout);
    Kept& kept = kept_[source];
    kept.renewing = false;
    if (!fetched) co_return failed(source, fetched.error());
    kept.used = false;
    keep(source, std::move(fetched->ticket));
}

void TicketKeeper::sweep(FetcherPool::Time now) {
    const auto is_over = [now](const auto& entry) {
        const Kept& kept = entry.second;
        const bool alive = kept.ticket && lasts(*kept.ticket, 1);
        return !alive && !kept.renewing && kept.last_used + forgotten_after <= now;
    };
    std::erase_if(kept_, is_over);
    for (auto& [source, kept] : kept_) {
        // The clock may have been set, and so the ticket have ended before its renewal.
        const bool ended = kept.ticket && !kept.failure && !lasts(*kept.ticket, 1);
        if (kept.renewing || !kept.used || (now < kept.renewal.at() && !ended)) continue;
        kept.renewing = true;
        asio::co_spawn(loop_, renew(source), [](std::exception_ptr failure) {
            if (failure) std::rethrow_exception(failure);
        });
    }
}

std::optional<TicketState> TicketKeeper::state(const Source& source) const {
    const auto found = kept_.find(source);
    if (found == kept_.end()) return std::nullopt;
    const Kept& kept = found->second;
    TicketState state;
    if (kept.ticket) {
        state.principal = kept.ticket->client;
        state.expires = kept.ticket->end;
    }
    const auto wait = duration_cast<std::chrono::seconds>(kept.renewal.at() - Clock::now()).count();
    if (kept.used) state.renews = now_seconds() + std::max<std::int64_t>(wait, 0);
    state.failure = kept.failure;
    state.failed_at = kept.failed_at;
    return state;
}

}  // namespace mutual::keys
