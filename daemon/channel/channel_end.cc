// SPDX-License-Identifier: Apache-2.0
// The part of Channel that keeps time and ends.
#include <algorithm>
#include <utility>

#include "daemon/channel/channel.h"

namespace mutual::channel {
namespace {

// How long the last octets of a handshake that failed, or of a channel that had to end, may take.
constexpr auto short_linger = std::chrono::seconds(5);

// Two clocks make a ticket's end; they are not read at the same instant.
constexpr auto timer_tolerance = std::chrono::milliseconds(1);

Error without_reason() { return {Code::protocol, Stage::handshake, "the handshake ended without a reason"}; }

}  // namespace

void Channel::begin_closing() {
    const bool was_established = phase_ == Phase::established;
    phase_ = Phase::closing;
    count();
    if (!was_established) give_up_handshake(*ending_);
    if (!program_.is_open()) program_.output().clear();             // nobody will ever take it
    const bool complete = peer_verdict_ == Verdict::authenticated;  // the program shall have all of it
    if (ending_->verdict == Verdict::reset && !complete) return close_now(true);
    const bool orderly =
        was_established && ending_->verdict != Verdict::expired && ending_->verdict != Verdict::denied;
    if (!orderly) linger_ = now() + short_linger;
    if (!peer_verdict_) peer_verdict_ = ending_->verdict;
    network_.finish();
    finish_closing();
    rest();
}

void Channel::give_up_handshake(const Ending& ending) {
    program_.output().clear();
    for (const auto& [number, context] : contexts_)
        if (!context.established) setup_.grant->drop(context.handshake);
    if (admission_ && setup_.facts.channel.empty())
        admission_->cancel();
    else
        settle(false);
    std::exchange(observer_.handshake_finished, nullptr)(ending.error ? *ending.error : without_reason());
}

void Channel::finish_closing() {
    flush_network();
    if (program_.is_open()) flush_program();
    const bool network_done = network_.output().empty();
    const bool program_done = program_.output().empty();
    if (network_done && program_done) return close_now(false);
    const auto writable = [self = shared_from_this()] {
        if (self->phase_ == Phase::closing) self->finish_closing();
        self->rest();
    };
    if (!network_done) network_.wait_writable(writable);
    if (!program_done) program_.wait_writable(writable);
}

void Channel::close_now(bool at_once) {
    phase_ = Phase::over;
    if (record_) record_->record(verdict_of_cut());  // unless the program was shown the end
    settle(false);                                   // unless the last token went out
    if (at_once)
        network_.reset();
    else
        network_.close();
    program_.close();
    setup_.program.reset();
    timer_.cancel();
    session_.reset();
    contexts_.clear();
    setup_.grant.reset();
    if (record_) table_.end(record_, std::chrono::system_clock::now(), now());
    observer_.over(record_ ? ending_->error : std::nullopt);
}

// Of a channel whose program did not get all that the peer sent.
Verdict Channel::verdict_of_cut() const {
    if (expiry() <= now()) return Verdict::expired;
    return ending_->verdict == Verdict::authenticated ? Verdict::unauthenticated : ending_->verdict;
}

// Time

Instant Channel::expiry() const {
    if (expires_ == WallTime::max()) return Instant::max();
    return now() + std::chrono::duration_cast<Instant::duration>(expires_ - std::chrono::system_clock::now());
}

Instant Channel::next_instant() const {
    Instant next = std::min(linger_, expiry());
    if (is_live()) next = std::min(next, wake_);
    if (phase_ == Phase::handshake) return std::min(next, setup_.deadline);
    return setup_.idle.count() > 0 ? std::min(next, active_ + setup_.idle) : next;
}

// An earlier timer stays: it looks again when it fires.
void Channel::arm() {
    const Instant next = next_instant();
    if (phase_ == Phase::over || next == Instant::max()) return;
    if (armed_ != Instant::max() && armed_ <= next + timer_tolerance) return;
    armed_ = next;
    timer_.expires_at(next);
    timer_.async_wait([self = shared_from_this()](boost::system::error_code cancelled) {
        if (!cancelled) self->timer_fired();
    });
}

void Channel::timer_fired() {
    armed_ = Instant::max();
    const Instant instant = now();
    check_time(instant);
    if (is_live() && wake_ <= instant) {
        wake_ = Instant::max();
        drive([](Session& session) { session.wake(); });
    }
    rest();
}

void Channel::clock_was_set() {
    check_time(now());
    drive([](Session& session) { session.wake(); });
    rest();
}

void Channel::check_time(Instant instant) {
    const bool is_expired = expiry() <= instant;
    const bool is_idle =
        phase_ != Phase::handshake && setup_.idle.count() > 0 && active_ + setup_.idle <= instant;
    if (phase_ == Phase::over) return;
    if (phase_ == Phase::closing) {
        if (is_expired || is_idle || linger_ <= instant) close_now(true);
        return;
    }
    if (is_expired)
        fail(Verdict::expired, {Code::expired, Stage::channel, "the lifetime of the ticket is over"});
    else if (phase_ == Phase::handshake && setup_.deadline <= instant)
        handshake_timed_out();
    else if (is_idle)
        fail(Verdict::unauthenticated,
             {Code::timed_out, Stage::channel, "nothing moved on the channel for too long"});
    else if (linger_ <= instant)
        fail(Verdict::unauthenticated,
             {Code::cancelled, Stage::channel,
              program_.is_open() ? "the program closed the channel, and its peer did not"
                                 : "no program took the channel in time"});
    if (ending_) obey();
}

void Channel::handshake_timed_out() {
    std::string whom = "the peer";
    if (is_waiting()) whom = admitting_ ? "admission" : "mutuald-keys";
    const Stage stage = admitting_ ? Stage::admission : Stage::handshake;
    fail(Verdict::reset,
         {Code::timed_out, stage, "finish the handshake: waiting for " + whom + " when its time was over",
          "see the log of " + whom + ", and whether the time allowed is too short"});
}

}  // namespace mutual::channel
