// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/accept_queue.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace mutual::broker {

namespace {

// Runs when a coroutine ends in whatever way.
template <class F>
class AtExit {
public:
    explicit AtExit(F action) : action_(std::move(action)) {}
    ~AtExit() { action_(); }
    AtExit(const AtExit&) = delete;
    AtExit& operator=(const AtExit&) = delete;

private:
    F action_;
};

}  // namespace

void AcceptQueue::wake_one(Line& line) {
    if (line.waiters.empty() || line.handshakes.empty()) return;
    asio::steady_timer* event = line.handshakes.front();
    line.handshakes.pop_front();
    event->cancel();
}

asio::awaitable<Result<Accepted>> AcceptQueue::wait(std::string service, uid_t uid, std::string unit,
                                                    Clock::time_point deadline, bool upgrade,
                                                    MayWait may_wait) {
    auto waiter = std::make_shared<Waiter>(loop_, uid, std::move(unit), upgrade);
    waiter->may_wait = std::move(may_wait);
    waiter->event.expires_at(deadline);
    Line& line = (*lines_)[service];
    line.waiters.push_back(waiter);
    AtExit leave([lines = lines_, &line, waiter] {
        waiter->gone = true;
        std::erase(line.waiters, waiter);
    });
    wake_one(line);
    // A call that was taken waits for its handshake to be settled, even past its own time.
    for (boost::system::error_code ended;
         !waiter->accepted && !waiter->refused && (waiter->taken || Clock::now() < deadline);) {
        waiter->event.expires_at(waiter->taken ? Clock::time_point::max() : deadline);
        co_await waiter->event.async_wait(asio::redirect_error(asio::use_awaitable, ended));
    }
    if (waiter->accepted) co_return std::move(*waiter->accepted);
    if (waiter->refused) co_return std::move(*waiter->refused);
    co_return Error(Code::timed_out, Stage::admission,
                    "no peer opened a channel to '" + service + "' in the time given");
}

asio::awaitable<Result<std::shared_ptr<AcceptQueue::Waiter>>> AcceptQueue::take(std::string service,
                                                                                Clock::time_point deadline,
                                                                                std::size_t most) {
    Line& line = (*lines_)[service];
    while (line.waiters.empty()) {
        if (line.handshakes.size() >= most)
            co_return Error(
                Code::limit, Stage::admission,
                std::to_string(most) + " peers wait already for a local server of '" + service + "'",
                "have more servers call Accept, or raise service." + service + ".accept.limits.waiting");
        asio::steady_timer event(loop_, deadline);
        line.handshakes.push_back(&event);
        AtExit leave([lines = lines_, &line, &event] { std::erase(line.handshakes, &event); });
        boost::system::error_code ended;
        co_await event.async_wait(asio::redirect_error(asio::use_awaitable, ended));
        if (!line.waiters.empty()) break;
        if (ended &&
            std::find(line.handshakes.begin(), line.handshakes.end(), &event) != line.handshakes.end())
            throw boost::system::system_error(ended);
        if (Clock::now() >= deadline)
            co_return Error(Code::unavailable, Stage::admission,
                            "no local server of '" + service + "' called Accept",
                            "start the server, or let it call Accept more often");
    }
    std::shared_ptr<Waiter> waiter = std::move(line.waiters.front());
    line.waiters.pop_front();
    waiter->taken = true;
    waiter->event.cancel();
    co_return waiter;
}

void AcceptQueue::fulfil(const std::shared_ptr<Waiter>& waiter, Accepted accepted) {
    if (waiter->gone) return;
    waiter->accepted = std::move(accepted);
    waiter->event.cancel();
}

void AcceptQueue::give_back(const std::string& service, const std::shared_ptr<Waiter>& waiter) {
    if (waiter->gone) return;
    Line& line = (*lines_)[service];
    waiter->taken = false;
    waiter->event.cancel();
    if (!stays(waiter)) return;
    line.waiters.push_front(waiter);
    wake_one(line);
}

bool AcceptQueue::stays(const std::shared_ptr<Waiter>& waiter) {
    if (!waiter->may_wait) return true;
    Result<void> may_wait = waiter->may_wait();
    if (may_wait) return true;
    waiter->refused = may_wait.error();
    waiter->event.cancel();
    return false;
}

void AcceptQueue::reconsider() {
    for (auto& [service, line] : *lines_)
        std::erase_if(line.waiters, [](const auto& waiter) { return !stays(waiter); });
}

std::size_t AcceptQueue::waiting() const {
    std::size_t all = 0;
    for (const auto& [service, line] : *lines_) all += line.waiters.size();
    return all;
}

}  // namespace mutual::broker
