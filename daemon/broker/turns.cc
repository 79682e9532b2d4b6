// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/turns.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace mutual::broker {

// One turn that is out. It is given back once: at its end, or when it has lasted long enough.
class Turns::Holder {
public:
    Holder(std::shared_ptr<State> state, uid_t uid)
        : state_(std::move(state)),
          uid_(uid),
          end_(state_->loop, state_->bounds.longest),
          began_(Clock::now()) {}
    ~Holder() { give_back(); }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;

    static std::shared_ptr<Holder> hold(std::shared_ptr<State> state, uid_t uid) {
        auto holder = std::make_shared<Holder>(std::move(state), uid);
        holder->end_.async_wait([weak = std::weak_ptr<Holder>(holder)](const boost::system::error_code&) {
            if (const auto over = weak.lock()) over->give_back();
        });
        return holder;
    }

private:
    void give_back() {
        if (given_back_) return;
        given_back_ = true;
        state_->give_back(uid_, Clock::now() - began_);
    }

    std::shared_ptr<State> state_;
    uid_t uid_;
    asio::steady_timer end_;
    Clock::time_point began_;
    bool given_back_ = false;
};

Turns::Turns(asio::io_context& loop, Bounds bounds) : state_(std::make_shared<State>(loop, bounds)) {}

bool Turns::State::others_ask(uid_t uid) const {
    return std::ranges::any_of(lines, [uid](const auto& line) { return line.first != uid; });
}

void Turns::State::forget_the_quiet() {
    const Clock::time_point before = Clock::now() - bounds.memory;
    std::erase_if(lines, [before](const auto& one) {
        const Line& line = one.second;
        return line.taken == 0 && line.waiting.empty() && line.last_seen < before;
    });
}

void Turns::State::give_back(uid_t uid, Clock::duration lasted) {
    forget_the_quiet();
    Line& line = lines[uid];
    --line.taken;
    line.last_seen = Clock::now();
    if (line.waiting.empty() || !others_ask(uid)) return go_on(uid);
    line.rest = std::make_unique<asio::steady_timer>(loop, lasted * bounds.rest);
    line.rest->async_wait([state = weak_from_this(), uid](const boost::system::error_code& cancelled) {
        if (const auto alive = state.lock(); alive && !cancelled) alive->go_on(uid);
    });
}

// Others may have gone quiet meanwhile: then more than one may go on.
void Turns::State::go_on(uid_t uid) {
    Line& line = lines[uid];
    line.rest.reset();
    for (const std::size_t bound = bound_of(uid); line.taken < bound && !line.waiting.empty();) {
        ++line.taken;
        line.waiting.front()->cancel();
        line.waiting.pop_front();
    }
}

asio::awaitable<Turns::Turn> Turns::take(uid_t uid) {
    const std::shared_ptr<State> state = state_;
    state->forget_the_quiet();
    Line& line = state->lines[uid];  // is there as long as somebody waits in it
    line.last_seen = Clock::now();
    if (line.taken < state->bound_of(uid) && line.waiting.empty() && !line.rest) {
        ++line.taken;
        co_return Holder::hold(state, uid);
    }
    asio::steady_timer event(state->loop, Clock::time_point::max());
    line.waiting.push_back(&event);
    boost::system::error_code ended;
    co_await event.async_wait(asio::redirect_error(asio::use_awaitable, ended));
    if (std::erase(line.waiting, &event) != 0) throw boost::system::system_error(ended);  // cancelled
    co_return Holder::hold(state, uid);
}

std::size_t Turns::waiting() const {
    std::size_t all = 0;
    for (const auto& [uid, line] : state_->lines) all += line.waiting.size();
    return all;
}

}  // namespace mutual::broker
