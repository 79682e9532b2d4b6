// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin/finder_pool.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "varlink/deadline.h"

namespace mutual::plugin {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds enough_to_load{5000};

milliseconds left(Deadline deadline) {
    return std::max(std::chrono::floor<milliseconds>(deadline - steady_clock::now()), milliseconds(0));
}

// The plugin is asked to end a little before it would be killed, so that it can say itself how far it came.
milliseconds plugins_share(Deadline deadline) {
    const auto all = left(deadline);
    return all - std::min(all / 10, milliseconds(100));
}

Error late(const std::string& name) {
    return {Code::timed_out, Stage::discovery,
            "plugin " + name + " did not answer within the time; its process was killed",
            "see whether what it asks can be reached, or raise plugin." + name + ".timeout"};
}

}  // namespace

struct FinderPool::Waiter {
    explicit Waiter(FinderPool& pool) : pool_(pool), event(pool.loop_) { pool_.queue_.push_back(this); }
    ~Waiter() {
        pool_.queue_.remove(this);
        if (granted && !taken) pool_.give_place_back();
    }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    FinderPool& pool_;
    asio::steady_timer event;
    bool granted = false;
    bool taken = false;
};

// A place in the pool, with a finder unless one is still being started. What is not kept is killed.
class FinderPool::Loan {
public:
    explicit Loan(std::shared_ptr<FinderPool> pool) : pool_(std::move(pool)) {}
    Loan(Loan&&) = default;
    Loan& operator=(Loan&&) = delete;
    ~Loan() {
        if (!pool_) return;
        if (keep_ && finder_) pool_->idle_.push_back(std::move(finder_));
        finder_.reset();
        pool_->give_place_back();
    }

    void hold(std::unique_ptr<Finder> finder) { finder_ = std::move(finder); }
    Finder& finder() { return *finder_; }
    void keep() { keep_ = true; }

private:
    std::shared_ptr<FinderPool> pool_;
    std::unique_ptr<Finder> finder_;
    bool keep_ = false;
};

FinderPool::FinderPool(asio::io_context& loop, PluginDefinition definition, Complaint complaint)
    : loop_(loop), definition_(std::move(definition)), complaint_(std::move(complaint)) {}

asio::awaitable<Result<void>> FinderPool::take_place(Deadline deadline) {
    // Those in the queue who were given a place count as busy already.
    if (busy_ < definition_.finders && !waiting_for_place()) {
        ++busy_;
        co_return Result<void>();
    }
    if (queue_.size() >= longest_queue)
        co_return Error(Code::limit, Stage::discovery,
                        "plugin " + definition_.name + ": too many calls wait for a finder");
    Waiter waiter(*this);
    waiter.event.expires_at(deadline);
    boost::system::error_code ended;
    co_await waiter.event.async_wait(asio::redirect_error(asio::use_awaitable, ended));
    if (!waiter.granted) {
        if (ended) throw boost::system::system_error(ended);
        co_return Error(Code::timed_out, Stage::discovery,
                        "plugin " + definition_.name + ": no finder was free within the time");
    }
    waiter.taken = true;
    co_return Result<void>();
}

bool FinderPool::waiting_for_place() const {
    return std::any_of(queue_.begin(), queue_.end(), [](const Waiter* waiter) { return !waiter->granted; });
}

void FinderPool::give_place_back() {
    const auto next =
        std::find_if(queue_.begin(), queue_.end(), [](const Waiter* waiter) { return !waiter->granted; });
    if (next == queue_.end()) {
        --busy_;
        return;
    }
    (*next)->granted = true;
    (*next)->event.cancel();
}

asio::awaitable<Result<FinderPool::Loan>> FinderPool::borrow(Deadline deadline) {
    auto place = co_await take_place(deadline);
    if (!place) co_return place.error();
    Loan loan(shared_from_this());
    while (!idle_.empty()) {
        auto finder = std::move(idle_.back());
        idle_.pop_back();
        if (finder->has_ended()) continue;
        loan.hold(std::move(finder));
        co_return std::move(loan);
    }
    auto started = co_await start_finder(deadline);
    if (!started) co_return started.error();
    loan.hold(std::move(*started));
    co_return std::move(loan);
}

asio::awaitable<Result<std::unique_ptr<Finder>>> FinderPool::start_finder(Deadline deadline) {
    if (backoff_.active(steady_clock::now())) co_return until_retry();
    auto finder = Finder::start(loop_, definition_.name);
    if (!finder) {
        count_failure(finder.error(), false);
        co_return finder.error();
    }
    if (definition_.path.empty()) co_return std::move(*finder);
    const auto began = steady_clock::now();
    auto version = co_await load(**finder, deadline);
    if (!version) {
        // A caller in a hurry says nothing about the plugin; its shortness of time must not hit the others.
        const bool hurried =
            version.error().code == Code::timed_out && steady_clock::now() - began < enough_to_load;
        if (!hurried) count_failure(version.error(), true);
        co_return version.error();
    }
    version_ = std::move(*version);
    if (loading_failed_) {
        problem_.reset();
        backoff_.succeeded();
    }
    loading_failed_ = false;
    co_return std::move(*finder);
}

asio::awaitable<Result<std::string>> FinderPool::load(Finder& finder, Deadline deadline) {
    auto loading = finder.load(definition_.name, definition_.path, definition_.options);
    Error too_late = late(definition_.name);
    auto version = co_await varlink::with_deadline(loop_, std::move(loading), deadline, std::move(too_late));
    if (version) co_return version;
    if (finder.broken()) co_return co_await breakdown(finder, version.error(), "was being loaded");
    Error error = version.error();
    error.stage = Stage::discovery;  // the loader serves programs of other stages, too
    co_return error;
}

asio::awaitable<Error> FinderPool::breakdown(Finder& finder, Error seen, std::string doing) {
    const bool misspoke = seen.code != Code::unavailable;
    auto how = co_await finder.end();
    std::string message = "plugin " + definition_.name + ": its process ";
    if (misspoke)
        message += "broke the protocol: " + seen.message;
    else
        message += how + " while it " + doing;
    co_return Error(Code::plugin_failed, Stage::discovery, std::move(message),
                    "the plugin is at fault: see the log of mutuald-plugin");
}

void FinderPool::count_failure(const Error& problem, bool loading) {
    ++failures_;
    loading_failed_ = loading;
    backoff_.failed(steady_clock::now());
    if (problem_ != problem) complaint_(to_string(problem));
    problem_ = problem;
}

Error FinderPool::until_retry() const {
    Error error = *problem_;
    const auto when =
        "it is tried again in " + std::to_string(backoff_.left(steady_clock::now()).count()) + " ms";
    error.hint += error.hint.empty() ? when : "; " + when;
    return error;
}

asio::awaitable<std::shared_ptr<Findings>> FinderPool::find(FindRequest request, Deadline deadline) {
    auto findings = std::make_shared<Findings>();
    auto loan = co_await borrow(deadline);
    if (!loan) {
        findings->problem = loan.error();
        co_return findings;
    }
    auto& finder = loan->finder();
    auto finding = finder.find(std::move(request), plugins_share(deadline), findings);
    Error too_late = late(definition_.name);
    auto done = co_await varlink::with_deadline(loop_, std::move(finding), deadline, std::move(too_late));
    if (done && !(findings->problem && findings->problem->code == Code::plugin_failed)) {
        backoff_.succeeded();
        problem_.reset();
        loan->keep();
    } else if (done) {
        complaint_(to_string(*findings->problem));
        ++failures_;
    } else if (finder.broken()) {
        findings->problem = co_await breakdown(finder, done.error(), "searched");
        count_failure(*findings->problem, false);
    } else {
        findings->problem = done.error();
        complaint_(to_string(*findings->problem));
        ++failures_;
    }
    co_return findings;
}

template <class T>
asio::awaitable<Result<T>> FinderPool::lend(std::function<asio::awaitable<Result<T>>(Finder&)> call,
                                            Deadline deadline, std::string doing, Error late) {
    auto loan = co_await borrow(deadline);
    if (!loan) co_return loan.error();
    auto& finder = loan->finder();
    auto calling = call(finder);
    auto answer = co_await varlink::with_deadline(loop_, std::move(calling), deadline, std::move(late));
    if (finder.is_free()) {
        backoff_.succeeded();
        problem_.reset();
        loan->keep();
    } else if (finder.broken()) {
        auto error = co_await breakdown(finder, answer.error(), std::move(doing));
        count_failure(error, false);
        co_return error;
    }
    co_return answer;
}

asio::awaitable<Result<std::vector<std::string>>> FinderPool::resolve(std::string host, Deadline deadline) {
    std::function call = [host](Finder& finder) { return finder.resolve(host); };
    return lend(std::move(call), deadline, "looked up a name",
                Error(Code::timed_out, Stage::addresses, "look up an address: no answer within the time"));
}

asio::awaitable<Result<RpcPlace>> FinderPool::find_rpc(RpcQuery query, std::uint16_t port,
                                                       Deadline deadline) {
    Error late(Code::timed_out, Stage::discovery,
               "look up RPC program " + std::to_string(query.program) +
                   ": rpcbind did not answer within the time; the process that asked it was killed");
    FinderFindRpcCall request{std::move(query), port, milliseconds(0)};
    std::function call = [request = std::move(request), deadline](Finder& finder) mutable {
        request.timeout = plugins_share(deadline);
        return finder.find_rpc(request);
    };
    return lend(std::move(call), deadline, "asked rpcbind", std::move(late));
}

asio::awaitable<Result<void>> FinderPool::register_rpc(std::string socket, RpcRegistration wanted,
                                                       Deadline deadline) {
    return tell_rpcbind({true, std::move(socket), std::move(wanted), milliseconds(0)}, deadline);
}

asio::awaitable<Result<void>> FinderPool::unregister_rpc(std::string socket, RpcRegistration ours,
                                                         Deadline deadline) {
    return tell_rpcbind({false, std::move(socket), std::move(ours), milliseconds(0)}, deadline);
}

asio::awaitable<Result<void>> FinderPool::tell_rpcbind(FinderRegisterCall request, Deadline deadline) {
    Error late(Code::timed_out, Stage::discovery,
               std::string(request.is_wanted ? "register" : "unregister") + " RPC program " +
                   std::to_string(request.registration.program) +
                   " in rpcbind: it did not answer within the time; the process that asked it was killed");
    std::function call = [request = std::move(request), deadline](Finder& finder) mutable {
        request.timeout = plugins_share(deadline);
        return finder.register_rpc(request);
    };
    return lend(std::move(call), deadline, "asked rpcbind", std::move(late));
}

asio::awaitable<Result<void>> FinderPool::warm_up(Deadline deadline) {
    auto loan = co_await borrow(deadline);
    if (!loan) co_return loan.error();
    loan->keep();
    co_return Result<void>();
}

PluginStatus FinderPool::status() const {
    PluginStatus status;
    status.version = version_;
    const bool waiting = backoff_.active(steady_clock::now());
    status.state = loading_failed_ ? "failed" : waiting ? "backoff" : "ready";
    status.finders = busy_ + idle_.size();
    status.failures = failures_;
    if (loading_failed_ || waiting) status.problem = problem_;
    return status;
}

}  // namespace mutual::plugin
