// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/fetcher_pool.h"

#include <fcntl.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/keys/requests.h"
#include "daemon/keys/sealed_file.h"
#include "daemon/unit/text.h"
#include "varlink/deadline.h"

namespace mutual::keys {

namespace {

constexpr std::size_t most_at_once = 4;
constexpr std::chrono::seconds longest_idle{30};
constexpr std::string_view interface = "org.mutuald.Fetcher";
constexpr varlink::Limits answer_limits{16 * 1024, 4, 1};

std::vector<std::string> arguments_of(const Source& source) {
    if (source.kind == Source::Kind::cache) return {"cache", source.name};
    return {"keytab", source.name, source.principal};
}

std::string realm_of(std::string_view principal) {
    return std::string(principal.substr(principal.rfind('@') + 1));
}

Error late_source(const Source& source, long milliseconds) {
    return Error(
        Code::timed_out, Stage::credentials,
        "read " + to_text(source) + ": it did not answer within " + std::to_string(milliseconds) + " ms",
        "see whether another process holds a lock on it");
}

Error late_kdc(const std::string& target, const std::string& client, long milliseconds) {
    const std::string realm = unit::one_line(realm_of(client), 256), other = realm_of(target);
    const std::string realms = other.empty() || other == realm ? realm : realm + " or " + other;
    return Error(Code::kdc_unreachable, Stage::credentials,
                 "get a ticket for " + (target.empty() ? unit::one_line(client, 256) : target) +
                     ": no KDC for " + realms + " answered within " + std::to_string(milliseconds) + " ms",
                 "see whether the realm's KDC runs and can be reached from this host");
}

// Who shares the few places: all caches of one user. Keytabs are all the daemon's own, and a realm whose KDC
// is away must not hold up the others: each has its own places.
std::string sharer_of(const Source& source) {
    if (source.kind == Source::Kind::cache) return "uid " + std::to_string(source.owner.uid);
    return "the keytab " + source.name + " for " + source.principal;
}

Error all_busy(const Source& source) {
    return Error(Code::limit, Stage::credentials,
                 "read " + to_text(source) + ": all fetchers of " + sharer_of(source) + " are busy",
                 "see why its earlier requests hang: the KDC may be away, or the credential cache be locked");
}

// Its user may have killed it, or it crashed.
Error lost(const Source& source, Error error) {
    if (error.code != Code::unavailable) return error;
    return Error(Code::unavailable, Stage::credentials,
                 "read " + to_text(source) + ": the fetcher ended: " + error.message, "try again");
}

Result<Ticket> ticket_in(const FetcherAnswer& answer, const Wanted& wanted) {
    auto bytes = unseal(answer.ticket.value());
    if (!bytes) return std::move(bytes).error();
    auto ticket = unmarshal(std::move(*bytes));
    if (!ticket) return std::move(ticket).error();
    std::string server = wanted.target;
    if (server.empty()) {
        const std::string realm = realm_of(ticket->client);
        server = "krbtgt/" + realm + "@" + realm;
    }
    if (auto checked = check_ticket(*ticket, server, wanted.minimum_lifetime); !checked)
        return std::move(checked).error();
    return ticket;
}

}  // namespace

std::string to_text(const Source& source) {
    if (source.kind == Source::Kind::keytab) return "the keytab " + source.name;
    const std::string uid = std::to_string(source.owner.uid);
    return source.name.empty()
               ? "the default credential cache of uid " + uid
               : "the credential cache " + unit::one_line(source.name, 256) + " of uid " + uid;
}

// One process. Destroying this kills it.
class Fetcher {
public:
    Fetcher(asio::io_context& loop, Source source, UniqueFd socket, ChildImage::Started child,
            std::list<Doomed>& doomed)
        : connection(loop, std::move(socket), answer_limits),
          source_(std::move(source)),
          loop_(loop),
          child_(std::move(child)),
          doomed_(doomed) {}
    Fetcher(const Fetcher&) = delete;
    Fetcher& operator=(const Fetcher&) = delete;
    ~Fetcher() {
        if (!kill_as(loop_, source_.owner.uid, child_.pidfd.value()))
            doomed_.push_back({source_.owner.uid, std::move(child_.pidfd)});
    }

    const Source& source() const { return source_; }
    pid_t pid() const { return child_.pid; }
    varlink::Connection connection;
    FetcherPool::Time idle_since;
    bool reused = false;

private:
    Source source_;
    asio::io_context& loop_;
    ChildImage::Started child_;
    std::list<Doomed>& doomed_;
};

struct FetcherPool::Looked {
    std::unique_ptr<Fetcher> fetcher;
    varlink::Reply reply;
};

struct FetcherPool::Waiter {
    std::string sharer;
    asio::steady_timer event;
    std::list<Waiter*>* list;
    Waiter(asio::io_context& loop, std::string sharer_, Time deadline, std::list<Waiter*>& list_)
        : sharer(std::move(sharer_)), event(loop, deadline), list(&list_) {
        list->push_back(this);
    }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter() { list->remove(this); }
};

FetcherPool::FetcherPool(asio::io_context& loop, ChildImage image) : loop_(loop), image_(std::move(image)) {}

FetcherPool::~FetcherPool() = default;

std::size_t FetcherPool::size() const {
    std::size_t all = 0;
    for (const auto& [sharer, count] : processes_) all += count;
    return all;
}

std::unique_ptr<Fetcher> FetcherPool::take_idle(const Source& source) {
    const auto fits = [&](const std::unique_ptr<Fetcher>& fetcher) { return fetcher->source() == source; };
    const auto found = std::find_if(idle_.begin(), idle_.end(), fits);
    if (found == idle_.end()) return nullptr;
    auto fetcher = std::move(*found);
    idle_.erase(found);
    fetcher->reused = true;
    return fetcher;
}

Result<std::unique_ptr<Fetcher>> FetcherPool::start(const Source& source) {
    auto pair = varlink::socket_pair();
    if (!pair) return std::move(pair).error();
    auto started = image_.start(source.owner, arguments_of(source), std::move(pair->second), interface);
    if (!started) return std::move(started).error();
    UniqueFd watch(::fcntl(started->pidfd.value(), F_DUPFD_CLOEXEC, 0));
    std::string sharer = sharer_of(source);
    const pid_t pid = started->pid;
    ++processes_[sharer];
    auto over = [pool = weak_from_this(), sharer = std::move(sharer), pid](int) {
        if (const auto alive = pool.lock()) alive->ended(sharer, pid);
    };
    collect(loop_, pid, std::move(watch), std::move(over));
    return std::make_unique<Fetcher>(loop_, source, std::move(pair->first), std::move(*started), doomed_);
}

void FetcherPool::ended(const std::string& sharer, pid_t pid) {
    if (--processes_[sharer] == 0) processes_.erase(sharer);
    std::erase_if(idle_, [pid](const auto& fetcher) { return fetcher->pid() == pid; });
    wake(sharer);
}

void FetcherPool::wake(const std::string& sharer) {
    for (Waiter* waiter : waiters_)
        if (waiter->sharer == sharer) waiter->event.cancel();
}

void FetcherPool::give_back(std::unique_ptr<Fetcher> fetcher) {
    const std::string sharer = sharer_of(fetcher->source());
    fetcher->idle_since = std::chrono::steady_clock::now();
    idle_.push_back(std::move(fetcher));
    wake(sharer);
}

void FetcherPool::sweep(Time now) {
    std::erase_if(idle_, [&](const auto& fetcher) { return fetcher->idle_since + longest_idle <= now; });
    std::erase_if(doomed_, [&](const Doomed& one) { return kill_as(loop_, one.uid, one.pidfd.value()); });
}

asio::awaitable<Result<std::unique_ptr<Fetcher>>> FetcherPool::acquire(Source source, Time deadline) {
    const std::string sharer = sharer_of(source);
    for (;;) {
        if (auto idle = take_idle(source)) co_return std::move(idle);
        const auto count = processes_.find(sharer);
        if (count == processes_.end() || count->second < most_at_once) co_return start(source);
        // One that serves another cache makes room; its end wakes us.
        const auto other = [&sharer](const auto& fetcher) { return sharer_of(fetcher->source()) == sharer; };
        if (const auto found = std::find_if(idle_.begin(), idle_.end(), other); found != idle_.end())
            idle_.erase(found);
        if (std::chrono::steady_clock::now() >= deadline) co_return all_busy(source);
        Waiter waiter(loop_, sharer, deadline, waiters_);
        boost::system::error_code ended;
        co_await waiter.event.async_wait(asio::redirect_error(asio::use_awaitable, ended));
        const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none)
            throw boost::system::system_error(asio::error::operation_aborted);
    }
}

// One that was idle may have ended since, and its end not been seen yet: then once more with a fresh one.
asio::awaitable<Result<FetcherPool::Looked>> FetcherPool::look(Source source, Wanted wanted, Time deadline,
                                                               Error late) {
    for (;;) {
        auto acquired = co_await acquire(source, deadline);
        if (!acquired) co_return std::move(acquired).error();
        std::unique_ptr<Fetcher> fetcher = std::move(*acquired);
        Error if_late = late;
        auto reply = co_await call(*fetcher, "Look", wanted, deadline, std::move(if_late));
        if (reply) {
            Looked looked{std::move(fetcher), std::move(*reply)};
            co_return std::move(looked);
        }
        if (!fetcher->reused || reply.error().code != Code::unavailable)
            co_return lost(source, std::move(reply).error());
        std::erase_if(idle_, [&](const auto& other) { return other->source() == source; });
    }
}

asio::awaitable<Result<varlink::Reply>> FetcherPool::call(Fetcher& fetcher, const char* method, Wanted wanted,
                                                          Time deadline, Error late) {
    varlink::Call call;
    call.method = std::string(interface) + "." + method;
    call.parameters["target"] = wanted.target;
    call.parameters["minimumLifetimeSeconds"] = wanted.minimum_lifetime;
    if (wanted.granting) {
        auto sealed = seal(wanted.granting->marshalled.view());
        if (!sealed) co_return std::move(sealed).error();
        call.parameters["grantingTicketFileDescriptor"] = 0;
        call.descriptors.push_back(std::move(*sealed));
    }
    auto work = fetcher.connection.call_raw(std::move(call));
    co_return co_await varlink::with_deadline(loop_, std::move(work), deadline, std::move(late));
}

asio::awaitable<Result<Fetched>> FetcherPool::fetch(Source source, Wanted wanted,
                                                    std::chrono::milliseconds timeout) {
    const auto self = shared_from_this();
    const Time deadline = std::chrono::steady_clock::now() + timeout;
    const long patience = timeout.count();
    Error late = late_source(source, patience);
    auto looked = co_await look(source, wanted, deadline, std::move(late));
    if (!looked) co_return std::move(looked).error();
    std::unique_ptr<Fetcher> fetcher = std::move(looked->fetcher);  // gone, and killed, unless given back
    auto answer = read_fetcher_answer(std::move(looked->reply));
    const bool cached = answer && answer->ticket;
    if (answer && !cached) {
        late = late_kdc(wanted.target, answer->principal, patience);
        auto reply = co_await call(*fetcher, "Ask", wanted, deadline, std::move(late));
        if (!reply) co_return lost(source, std::move(reply).error());
        answer = read_fetcher_answer(std::move(*reply));
    }
    give_back(std::move(fetcher));
    if (!answer) co_return std::move(answer).error();
    auto ticket = ticket_in(*answer, wanted);
    if (!ticket) co_return std::move(ticket).error();
    Fetched fetched{std::move(*ticket), cached};
    co_return std::move(fetched);
}

asio::awaitable<Result<Held>> FetcherPool::inspect(Source source, std::chrono::milliseconds timeout) {
    const auto self = shared_from_this();
    const Time deadline = std::chrono::steady_clock::now() + timeout;
    Error late = late_source(source, timeout.count());
    Wanted only_told;
    auto looked = co_await look(source, std::move(only_told), deadline, std::move(late));
    if (!looked) co_return std::move(looked).error();
    give_back(std::move(looked->fetcher));
    auto answer = read_fetcher_answer(std::move(looked->reply));
    if (!answer) co_return std::move(answer).error();
    Held held{std::move(answer->principal), answer->expires};
    co_return std::move(held);
}

}  // namespace mutual::keys
