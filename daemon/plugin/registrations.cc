// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin/registrations.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

#include "varlink/deadline.h"
#include "varlink/readiness.h"
#include "varlink/socket.h"

namespace mutual::plugin {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds time_of_one{5};
// A connection that ends sooner says that something is wrong with rpcbind, rather than that it was restarted.
constexpr std::chrono::seconds good_while{10};

}  // namespace

Registrations::Registrations(asio::io_context& loop, RpcbindHere rpcbind, FinderPool::Complaint complaint)
    : loop_(loop),
      rpcbind_(std::move(rpcbind)),
      complaint_(std::move(complaint)),
      work_(loop),
      changed_(loop),
      retry_(loop),
      watched_(loop) {
    PluginDefinition definition;
    definition.name = "rpcbind of this host";
    definition.finders = 1;
    pool_ = std::make_shared<FinderPool>(loop_, std::move(definition), complaint_);
    changed_.expires_at(steady_clock::time_point::max());
}

asio::awaitable<Result<void>> Registrations::set(std::string service, RpcRegistration wanted) {
    auto found = entries_.find(service);
    if (found == entries_.end() && entries_.size() == most)
        co_return Error(Code::limit, Stage::discovery,
                        "register RPC program " + std::to_string(wanted.program) +
                            " in rpcbind: " + std::to_string(most) + " services are registered already");
    if (found == entries_.end()) found = entries_.emplace(service, std::make_shared<Entry>()).first;
    co_return co_await change(found->second, std::move(wanted));
}

asio::awaitable<Result<void>> Registrations::remove(std::string service) {
    const auto found = entries_.find(service);
    if (found == entries_.end()) co_return Result<void>();
    co_return co_await change(found->second, std::nullopt);
}

asio::awaitable<Result<void>> Registrations::change(std::shared_ptr<Entry> entry,
                                                    std::optional<RpcRegistration> wanted) {
    want(*entry, std::move(wanted));
    const std::uint64_t number = entry->asked;
    begin();
    while (entry->done < number) {
        boost::system::error_code woken;
        co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    co_return entry->outcome;
}

void Registrations::want(Entry& entry, std::optional<RpcRegistration> wanted) {
    entry.wanted = std::move(wanted);
    entry.is_due = true;
    ++entry.asked;
}

void Registrations::keep(const std::vector<std::string>& services) {
    for (auto& [service, entry] : entries_)
        if (entry->wanted && std::ranges::find(services, service) == services.end())
            want(*entry, std::nullopt);
    if (!entries_.empty()) begin();
}

asio::awaitable<Result<void>> Registrations::remove_all(Deadline deadline) {
    for (auto& [service, entry] : entries_) want(*entry, std::nullopt);
    if (entries_.empty()) co_return Result<void>();
    begin();
    auto trying = until_tried();
    Error late(Code::timed_out, Stage::discovery, "unregister RPC programs: rpcbind did not answer in time");
    co_return co_await varlink::with_deadline(loop_, std::move(trying), deadline, std::move(late));
}

asio::awaitable<Result<void>> Registrations::until_tried() {
    const auto is_pending = [](const auto& each) { return each.second->done < each.second->asked; };
    while (std::any_of(entries_.begin(), entries_.end(), is_pending)) {
        boost::system::error_code woken;
        co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    co_return Result<void>();
}

void Registrations::begin() {
    // One that ends by itself has said so already: this comes a turn of the loop later.
    const auto ended = [this](bool Registrations::*is_running) {
        return [this, is_running](std::exception_ptr failure) {
            if (!failure) return;
            this->*is_running = false;
            complaint_("what keeps RPC programs registered failed for want of memory");
        };
    };
    if (!std::exchange(is_watching_, true))
        asio::co_spawn(loop_, watch(), ended(&Registrations::is_watching_));
    if (!std::exchange(is_working_, true)) asio::co_spawn(loop_, work(), ended(&Registrations::is_working_));
    work_.cancel();
}

void Registrations::all_are_due() {
    for (auto& [service, entry] : entries_) entry->is_due = true;
    work_.cancel();
}

std::map<std::string, std::shared_ptr<Registrations::Entry>>::iterator Registrations::next_due() {
    return std::find_if(entries_.begin(), entries_.end(),
                        [](const auto& each) { return each.second->is_due; });
}

asio::awaitable<void> Registrations::work() {
    while (!entries_.empty()) {
        for (auto due = next_due(); due != entries_.end(); due = next_due()) {
            const std::string service = due->first;
            co_await work_off(service, due->second);
        }
        if (entries_.empty()) break;
        work_.expires_after(rpcbind_.between_checks);
        boost::system::error_code woken;
        co_await work_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        if (!woken) all_are_due();
    }
    retry_.cancel();
    if (watched_.is_open()) watched_.close();
    is_working_ = false;
}

asio::awaitable<void> Registrations::work_off(const std::string& service, std::shared_ptr<Entry> entry) {
    entry->is_due = false;
    const std::uint64_t number = entry->asked;
    Result<void> outcome;
    try {
        outcome = co_await tell(*entry);
    } catch (const std::exception& failure) {
        outcome = Error(Code::limit, Stage::discovery, std::string("tell rpcbind: ") + failure.what());
    }
    const bool is_news = !outcome && (entry->outcome.ok() || entry->outcome.error() != outcome.error());
    if (is_news) complaint_("service " + service + ": " + to_string(outcome.error()));
    entry->outcome = std::move(outcome);
    entry->done = number;
    if (!entry->wanted && !entry->told) entries_.erase(service);
    changed_.cancel();
}

asio::awaitable<Result<void>> Registrations::tell(Entry& entry) {
    const auto wanted = entry.wanted;
    if (entry.told && entry.told != wanted) {
        auto removed =
            co_await pool_->unregister_rpc(rpcbind_.socket, *entry.told, steady_clock::now() + time_of_one);
        if (!removed) co_return removed;
        entry.told.reset();
    }
    if (!wanted) co_return Result<void>();
    entry.told = wanted;
    co_return co_await pool_->register_rpc(rpcbind_.socket, *wanted, steady_clock::now() + time_of_one);
}

asio::awaitable<void> Registrations::watch() {
    Backoff backoff;
    bool is_first = true;
    while (!entries_.empty()) {
        const auto began = steady_clock::now();
        auto socket = varlink::connect_unix(rpcbind_.socket, began);
        if (socket) {
            // The first time, all that there is was due anyhow.
            if (!is_first) all_are_due();
            watched_.assign(socket->release());
            co_await varlink::end_of_wait(watched_, asio::posix::stream_descriptor::wait_read);
            if (watched_.is_open()) watched_.close();
            if (steady_clock::now() - began > good_while) backoff.succeeded();
        }
        is_first = false;
        backoff.failed(steady_clock::now());
        co_await pause(backoff.left(steady_clock::now()));
    }
    is_watching_ = false;
}

asio::awaitable<void> Registrations::pause(std::chrono::milliseconds time) {
    if (entries_.empty()) co_return;
    retry_.expires_after(time);
    boost::system::error_code woken;
    co_await retry_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
}

}  // namespace mutual::plugin
