// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/ticket_keeper.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "varlink/deadline.h"

namespace mutual::keys {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds longest_flight{30'000};
// A ticket that still serves is not waited for longer than this, nor than half of the caller's time.
constexpr milliseconds longest_wait_for_a_better_one{1000};
// However long a ticket a caller wants: the KDC was asked for the longest just now.
constexpr std::chrono::seconds asked_again_after{60};
// Failures of what nobody asks for any more are shown for so long.
constexpr std::chrono::hours forgotten_after{1};
constexpr std::chrono::minutes told_again_after{10};

std::int64_t left_of(const std::shared_ptr<const Ticket>& ticket) {
    return ticket ? ticket->end - now_seconds() : 0;
}

bool lasts(const std::shared_ptr<const Ticket>& ticket, std::int64_t lifetime) {
    return left_of(ticket) >= std::max<std::int64_t>(lifetime, 1);
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

Error late(const Source& source, const std::string& name, milliseconds timeout) {
    const std::size_t at = name.rfind('@');
    const std::string realm = at == std::string::npos ? std::string() : " for " + name.substr(at + 1);
    return Error(Code::kdc_unreachable, Stage::credentials,
                 "get a ticket for " + name + " with " + to_text(source) + ": no KDC" + realm +
                     " answered within " + std::to_string(timeout.count()) + " ms",
                 "see whether the realm's KDC runs and can be reached from this host");
}

Error too_short(const std::string& name, std::int64_t left, std::int64_t wanted) {
    return Error(Code::no_credentials, Stage::credentials,
                 "use the ticket of " + name + ": it lasts " +
                     std::to_string(std::max<std::int64_t>(left, 0)) + " s, and " + std::to_string(wanted) +
                     " s are asked for",
                 "ask for less, or have the realm give longer tickets");
}

Error defect(const std::exception_ptr& thrown) {
    std::string what;
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& exception) {
        what = exception.what();
    } catch (...) {
        what = "something unknown was thrown";
    }
    return Error(Code::internal, Stage::credentials, "get a ticket: " + what);
}

}  // namespace

TicketKeeper::TicketKeeper(asio::io_context& loop, Fetch fetch, Complaint complaint,
                           std::function<Time()> now)
    : loop_(loop),
      fetch_(std::move(fetch)),
      complaint_(std::move(complaint)),
      now_(std::move(now)),
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
    co_return co_await fetch_(std::move(source), std::move(wanted), left);
}

asio::awaitable<TicketKeeper::Granting> TicketKeeper::granting(Source source, std::int64_t minimum_lifetime,
                                                               milliseconds timeout) {
    Kept& kept = kept_[source];  // stays, as it was used now, or a flight is under way
    kept.used = true;
    kept.last_used = now_();
    Result<void> waited;
    if (should_ask(kept, minimum_lifetime)) {
        const auto flight = kept.flight ? kept.flight : begin(source, kept);
        flight->wanted = true;
        if (lasts(kept.ticket, minimum_lifetime))
            timeout = std::min(timeout / 2, longest_wait_for_a_better_one);
        Error if_late = late(source, name_of(source, kept.ticket), timeout);
        const auto deadline = Clock::now() + timeout;
        auto end = end_of(flight);
        auto ended = co_await varlink::with_deadline(loop_, std::move(end), deadline, std::move(if_late));
        waited = std::move(ended);
    }
    if (lasts(kept.ticket, minimum_lifetime)) co_return kept.ticket;
    if (!waited) co_return std::move(waited).error();
    if (kept.failure) co_return *kept.failure;
    co_return too_short(name_of(source, kept.ticket), left_of(kept.ticket), minimum_lifetime);
}

// Callers must not make the KDC be asked as often as they like. After a failure the pauses of the renewal
// hold, but that a caller without any ticket is heard every second.
bool TicketKeeper::should_ask(const Kept& kept, std::int64_t minimum_lifetime) const {
    const Time now = now_();
    if (!lasts(kept.ticket, 1))
        return kept.flight || !kept.failure || now - kept.asked_at >= Renewal::shortest_pause;
    if (kept.failure) return false;
    if (now >= kept.renewal.at()) return true;
    return !lasts(kept.ticket, minimum_lifetime) && now - kept.asked_at >= asked_again_after;
}

std::shared_ptr<TicketKeeper::Flight> TicketKeeper::begin(const Source& source, Kept& kept) {
    auto flight = std::make_shared<Flight>(loop_);
    kept.flight = flight;
    asio::co_spawn(loop_, fly(source), [this, source](const std::exception_ptr& thrown) {
        if (thrown) failed(source, defect(thrown));
    });
    return flight;
}

asio::awaitable<void> TicketKeeper::fly(Source source) {
    co_await asio::post(loop_, asio::use_awaitable);  // whoever began it goes on first
    Wanted new_one;
    auto fetched = co_await fetch_(source, std::move(new_one), longest_flight);
    if (fetched)
        arrived(source, std::move(fetched->ticket));
    else
        failed(source, fetched.error());
}

asio::awaitable<Result<void>> TicketKeeper::end_of(std::shared_ptr<Flight> flight) {
    while (!flight->ended) {
        boost::system::error_code ended;
        co_await flight->over.async_wait(asio::redirect_error(asio::use_awaitable, ended));
    }
    if (flight->failure) co_return *flight->failure;
    co_return Result<void>();
}

void TicketKeeper::end_flight(Kept& kept, std::optional<Error> failure) {
    kept.asked_at = now_();
    const auto flight = std::exchange(kept.flight, nullptr);
    if (!flight) return;
    if (flight->by_old_clock) kept.renewal.hasten(now_(), dice());
    flight->failure = std::move(failure);
    flight->ended = true;
    flight->over.cancel();
}

// A ticket that does not end later brings nothing, and service tickets that were got with the old one go
// when it does. The KDC's clock may have been set back: then one that begins later may be of no use yet.
void TicketKeeper::arrived(const Source& source, Ticket ticket) {
    Kept& kept = kept_[source];
    kept.used = !kept.flight || kept.flight->wanted;
    if (!kept.ticket || kept.ticket->end < ticket.end || kept.ticket->start > ticket.start)
        kept.ticket = std::make_shared<const Ticket>(std::move(ticket));
    const std::chrono::seconds life(left_of(kept.ticket));
    kept.renewal.got(now_(), life, dice());
    const auto failure = std::exchange(kept.failure, std::nullopt);
    end_flight(kept, std::nullopt);
    if (failure)
        complaint_("the ticket of " + kept.ticket->client + " was got again after a failure; it lasts " +
                   how_long(life.count()));
}

// Told when it begins, when its kind changes, and now and then. That our own fetchers were busy says nothing
// of the identity.
void TicketKeeper::failed(const Source& source, const Error& error) {
    Kept& kept = kept_[source];
    const Time now = now_();
    kept.renewal.failed(now, dice());
    end_flight(kept, error);
    if (error.code == Code::limit) return;
    const bool is_news = !kept.failure || kept.failure->code != error.code ||
                         kept.failure->stage != error.stage || now - kept.told_at >= told_again_after;
    kept.failure = error;
    kept.failed_at = now_seconds();
    if (!is_news) return;
    kept.told_at = now;
    const std::int64_t left = left_of(kept.ticket);
    complaint_("cannot get a new ticket of " + name_of(source, kept.ticket) + ": " + to_string(error) +
               (left > 0 ? "; the one in use lasts " + how_long(left) : std::string()) + "; trying again");
}

void TicketKeeper::clock_was_set() {
    for (auto& [source, kept] : kept_) {
        kept.renewal.hasten(now_(), dice());
        if (kept.flight) kept.flight->by_old_clock = true;
    }
}

void TicketKeeper::sweep(Time now) {
    // A failure does not become less when the ticket ends: it is kept on from there.
    const auto is_over = [now](const auto& entry) {
        const Kept& kept = entry.second;
        const std::int64_t shown_after = kept.failure ? -std::chrono::seconds(forgotten_after).count() : 0;
        const bool ended = !kept.ticket || left_of(kept.ticket) <= shown_after;
        return ended && !kept.flight && kept.last_used + forgotten_after <= now;
    };
    std::erase_if(kept_, is_over);
    for (auto& [source, kept] : kept_) {
        // The clock may have been set, and so the ticket have ended before its renewal.
        const bool ended = kept.ticket && !kept.failure && !lasts(kept.ticket, 1);
        if (!kept.flight && kept.used && (now >= kept.renewal.at() || ended)) begin(source, kept);
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
    const auto wait = duration_cast<std::chrono::seconds>(kept.renewal.at() - now_()).count();
    if (kept.used) state.renews = now_seconds() + std::max<std::int64_t>(wait, 0);
    state.failure = kept.failure;
    state.failed_at = kept.failed_at;
    return state;
}

}  // namespace mutual::keys
