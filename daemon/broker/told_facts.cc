// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/told_facts.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include "varlink/interfaces.h"

namespace mutual::broker {

namespace {

std::string context_of(const varlink::Reply& reply) {
    const auto* context = reply.parameters.if_contains("context");
    return context != nullptr && context->is_string() ? std::string(context->as_string()) : std::string();
}

// A place among those who wait, also when the coroutine is destroyed.
class Waiting {
public:
    using Places = std::multimap<std::string, asio::steady_timer*>;

    Waiting(Places& places, const std::string& context, asio::steady_timer& event)
        : places_(places), place_(places.emplace(context, &event)) {}
    ~Waiting() { places_.erase(place_); }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

private:
    Places& places_;
    Places::iterator place_;
};

}  // namespace

ToldFacts::ToldFacts(asio::io_context& loop, ConnectionPool& keys, Bounds bounds)
    : state_(std::make_shared<State>(loop, keys, bounds)) {}

void ToldFacts::State::sweep(Clock::time_point now) {
    if (now < next_sweep) return;
    next_sweep = now + bounds.kept / 8;
    std::erase_if(kept, [now](const auto& one) { return one.second.until <= now; });
}

bool ToldFacts::State::keep(const varlink::Reply& reply) {
    const std::string context = context_of(reply);
    Result<Facts> facts = read_facts(reply);
    const auto now = Clock::now();
    sweep(now);
    if (context.empty() || !facts || kept.size() >= bounds.most) return false;
    kept.insert_or_assign(context, Kept{std::move(*facts), now + bounds.kept});
    const auto [begin, end] = waiting.equal_range(context);
    for (auto one = begin; one != end; ++one) one->second->cancel();
    return true;
}

void ToldFacts::State::give_up() {
    is_listening = false;
    told_since.reset();
    for (const auto& [context, event] : waiting) event->cancel();
}

asio::awaitable<void> ToldFacts::listen(std::shared_ptr<State> state) {
    Result<std::unique_ptr<varlink::Connection>> connection = state->keys.connect();
    if (!connection) co_return;
    varlink::Call call;
    call.method = "org.mutuald.Keys.WatchFacts";
    call.parameters["version"] = varlink::internal_version;
    call.more = true;
    Result<varlink::Reply> reply = co_await (*connection)->call_raw(std::move(call));
    while (reply && reply->error.empty() && reply->continues) {
        if (!state->told_since)
            state->told_since = Clock::now();  // the first one has none
        else if (!state->keep(*reply))
            co_return;  // mutuald-keys has them still, for whoever asks
        reply = co_await (*connection)->next();
    }
}

std::optional<Facts> ToldFacts::State::take(const std::string& context) {
    const auto found = kept.find(context);
    if (found == kept.end()) return std::nullopt;
    std::optional<Facts> facts;
    if (Clock::now() < found->second.until) facts = std::move(found->second.facts);
    kept.erase(found);
    return facts;
}

std::optional<Facts> ToldFacts::take(const std::string& context) {
    if (!state_->is_listening) {
        const auto ended = [state = state_](std::exception_ptr) { state->give_up(); };
        asio::co_spawn(state_->loop, listen(state_), ended);  // which never ends at once
        state_->is_listening = true;
    }
    return state_->take(context);
}

bool ToldFacts::tells_all() const {
    return state_->told_since && Clock::now() - *state_->told_since >= state_->bounds.patience;
}

asio::awaitable<std::optional<Facts>> ToldFacts::wait(std::string context) {
    const std::shared_ptr<State> state = state_;
    if (state->is_listening && !state->kept.contains(context)) {
        asio::steady_timer event(state->loop, state->bounds.patience);
        const Waiting waiting(state->waiting, context, event);
        boost::system::error_code ended;
        co_await event.async_wait(asio::redirect_error(asio::use_awaitable, ended));
        const asio::cancellation_state cancelled = co_await asio::this_coro::cancellation_state;
        if (cancelled.cancelled() != asio::cancellation_type::none)
            throw boost::system::system_error(asio::error::operation_aborted);
    }
    co_return state->take(context);
}

}  // namespace mutual::broker
