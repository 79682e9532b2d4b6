// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/channel.h"

#include <algorithm>
#include <utility>

namespace mutual::channel {
namespace {

// A little longer than the broker lets its caller take to read the reply.
constexpr auto longest_wait_for_program = std::chrono::seconds(35);

// A further context is made before the last quarter of a ticket's life, and not long before its end.
constexpr int renewal_share = 4;
constexpr auto longest_lead = std::chrono::minutes(30);
// What the next ticket must last longer than the one that ends.
constexpr auto least_gain = std::chrono::seconds(1);

}  // namespace

Channel::Channel(EventLoop& loop, ChannelTable& table, ChannelSetup setup, Observer observer)
    : loop_(loop),
      table_(table),
      setup_(std::move(setup)),
      observer_(std::move(observer)),
      network_(loop, Duplex::Whose::peer),
      program_(loop, Duplex::Whose::program),
      timer_(loop.context()) {}

Channel::~Channel() = default;

void Channel::start(Transport& transport) {
    active_ = now();
    if (auto attached = network_.attach(std::move(setup_.network)); !attached) {
        fail(Verdict::reset, std::move(attached).error());
        return obey();
    }
    try {
        auto session = transport.session({setup_.facts.role, setup_.options}, *this);
        if (session)
            session_ = std::move(*session);
        else
            fail(Verdict::reset, std::move(session).error());
    } catch (const std::exception& thrown) {
        plugin_broke(thrown.what());
    } catch (...) {
        plugin_broke("something unknown was thrown");
    }
    if (session_) {
        network_.output().raise_bound(session_->largest_output());
        program_.output().raise_bound(session_->largest_output());
        drive([](Session& session) { session.start(); });
    }
    if (ending_) obey();
    rest();
}

void Channel::attach(UniqueFd program) {
    if (phase_ != Phase::established || !std::exchange(setup_.program_follows, false)) return;
    linger_ = Instant::max();
    if (auto attached = program_.attach(std::move(program)); !attached)
        fail(Verdict::reset, std::move(attached).error());
    obey();
    rest();
}

void Channel::close(Verdict verdict) {
    if (phase_ == Phase::closing) {
        ending_->verdict = verdict;
        return close_now(true);
    }
    if (!is_live()) return;
    fail(verdict, {Code::cancelled, Stage::channel, "the channel was closed by order"});
    obey();
}

void Channel::abandon() {
    if (phase_ != Phase::handshake) return;
    fail(Verdict::reset, {Code::cancelled, Stage::handshake, "whoever asked for the channel is gone"});
    obey();
}

// What the session asks for

void Channel::step(ContextNumber number, Bytes token, std::chrono::seconds lifetime) {
    if (!contexts_.contains(number) && contexts_.size() >= max_contexts)
        return fail(Verdict::reset, {Code::limit, Stage::handshake, "the session opened too many contexts"});
    Context& context = contexts_[number];
    if (context.established) return plugin_broke("it stepped a context that is complete");
    if (context.handshake == 0) context.handshake = setup_.grant->begin();
    ++context.unanswered;
    auto answered = [self = shared_from_this(), number, handshake = context.handshake](Step step) {
        self->stepped(number, handshake, std::move(step));
    };
    // Nobody asks for the facts of a further context: it is of the same two.
    const StepTerms terms{lifetime, phase_ != Phase::handshake};
    setup_.grant->step(context.handshake, token, terms, std::move(answered));
}

void Channel::renew(ContextNumber number) {
    // Rounded up: the next one has to end later than this.
    const auto left = std::chrono::ceil<std::chrono::seconds>(expires_ - std::chrono::system_clock::now());
    step(number, {}, std::max(left, std::chrono::seconds(0)) + least_gain);
}

void Channel::admit(ContextNumber number, std::string claim) {
    const auto found = contexts_.find(number);
    if (found == contexts_.end() || !found->second.established || admission_ || !setup_.broker)
        return plugin_broke("it asked for admission at the wrong moment");
    admission_ = std::make_shared<Admission>(loop_, setup_.broker);
    admitting_ = true;
    auto answered = [self = shared_from_this(), number](Result<Admitted> answer) {
        self->admitting_ = false;
        self->admitted(number, std::move(answer));
    };
    setup_.facts.context = found->second.id;
    AdmissionQuestion question{setup_.facts.service, setup_.facts.context, setup_.facts.endpoint,
                               std::move(claim), setup_.deadline};
    admission_->ask(std::move(question), std::move(answered));
}

void Channel::established() {
    const bool authenticated = !setup_.facts.context.empty();
    const bool has_program = setup_.program || setup_.program_follows;  // an acceptor's: as admission said
    if (phase_ != Phase::handshake || !authenticated || !has_program)
        return plugin_broke("it called itself established at the wrong moment");
    establishing_ = true;
}

void Channel::discard(ContextNumber number) {
    const auto found = contexts_.find(number);
    if (found == contexts_.end()) return;
    if (!found->second.established) setup_.grant->drop(found->second.handshake);
    contexts_.erase(found);
    use_expiry();
}

Instant Channel::renew_at() const {
    if (setup_.facts.role == Role::acceptor || expires_ == WallTime::max()) return Instant::max();
    const auto lead = std::min<WallTime::duration>((expires_ - issued_) / renewal_share, longest_lead);
    return expiry() - std::chrono::duration_cast<Instant::duration>(lead);
}

void Channel::program_end(Verdict verdict) {
    if (!peer_verdict_) peer_verdict_ = verdict;
}

void Channel::end(Verdict verdict, std::optional<Error> error) {
    if (!ending_) ending_ = Ending{verdict, std::move(error)};
}

// What it is told

bool Channel::is_waiting() const {
    const auto is_unanswered = [](const auto& entry) { return entry.second.unanswered > 0; };
    return admitting_ || std::ranges::any_of(contexts_, is_unanswered);
}

void Channel::stepped(ContextNumber number, std::int64_t handshake, Step step) {
    const auto found = contexts_.find(number);
    if (!is_live() || found == contexts_.end() || found->second.handshake != handshake) return;
    --found->second.unanswered;
    if (step.established) step.error = complete(found->second, step);
    // To another principal nothing is proven.
    if (step.established && step.error) step.token.clear();
    if (step.error && phase_ == Phase::established && observer_.not_renewed)
        observer_.not_renewed(*step.error);
    StepAnswer answer;
    answer.token = std::move(step.token);
    answer.established = found->second.established.get();
    answer.error = std::move(step.error);
    drive([&](Session& session) { session.stepped(number, std::move(answer)); });
    rest();
}

// All contexts of a channel are between the same two.
std::optional<Error> Channel::complete(Context& context, Step& step) {
    const ContextFacts& facts = step.established->facts();
    if (setup_.facts.context.empty()) {
        setup_.facts.context = step.context;
        setup_.facts.initiator = facts.initiator;
        setup_.facts.acceptor = facts.acceptor;
        if (setup_.facts.role == Role::acceptor) setup_.facts.spn = facts.acceptor;
    } else if (facts.initiator != setup_.facts.initiator || facts.acceptor != setup_.facts.acceptor) {
        return Error(Code::wrong_peer, Stage::handshake,
                     "a further context is of " + facts.initiator + " with " + facts.acceptor +
                         ", the channel is of " + setup_.facts.initiator + " with " + setup_.facts.acceptor);
    }
    context.id = std::move(step.context);
    context.established = std::move(step.established);
    issued_ = std::chrono::system_clock::now();
    use_expiry();
    return std::nullopt;
}

// The channel lasts as long as one of its contexts.
void Channel::use_expiry() {
    WallTime latest{};
    for (const auto& [number, context] : contexts_)
        if (context.established) latest = std::max(latest, context.established->facts().expires);
    if (latest == WallTime{} || latest == expires_) return;
    expires_ = latest;
    if (record_) record_->expires_at(latest);
}

void Channel::admitted(ContextNumber number, Result<Admitted> result) {
    if (!is_live()) return;
    AdmissionAnswer answer;
    answer.admitted = result.ok();
    if (result) {
        setup_.facts.channel = std::move(result->channel);
        setup_.facts.rule = std::move(result->rule);
        setup_.facts.cookie = result->cookie;
        setup_.facts.caller = result->caller;
        setup_.program_follows = !result->program;
        setup_.facts.unit = std::move(result->unit);
        setup_.program = std::move(result->program);
    } else {
        answer.error = std::move(result).error();
    }
    if (answer.admitted) {
        answer.stamp = setup_.facts.stamp = table_.fresh_stamp();
        answer.acts_as = std::move(result->acts_as);
    }
    drive([&](Session& session) { session.admitted(number, std::move(answer)); });
    rest();
}

// After each call into the session

void Channel::obey() {
    if (!is_live()) return;
    if (phase_ == Phase::handshake && !establishing_ && !program_.output().empty())
        plugin_broke("it had octets for the program before the channel was established");
    if (std::exchange(establishing_, false)) finish_establishing();
    if (!ending_) flush();
    if (ending_) begin_closing();
}

void Channel::finish_establishing() {
    setup_.facts.started = std::chrono::system_clock::now();
    setup_.facts.expires = expires_;
    if (setup_.program_follows) {
        linger_ = now() + longest_wait_for_program;
    } else if (auto attached = program_.attach(std::move(setup_.program)); !attached) {
        return fail(Verdict::reset, std::move(attached).error());
    }
    auto added = table_.add(setup_.facts);
    if (!added) return fail(Verdict::reset, std::move(added).error());
    record_ = std::move(*added);
    phase_ = Phase::established;
    active_ = now();
    std::exchange(observer_.handshake_finished, nullptr)(setup_.facts);
}

void Channel::rest() {
    if (phase_ == Phase::over) return;
    if (is_live()) watch();
    arm();
}

void Channel::fail(Verdict verdict, Error error) { end(verdict, std::move(error)); }

void Channel::plugin_broke(const std::string& how) {
    fail(Verdict::reset, {Code::plugin_failed, Stage::channel, "run the transport plugin: " + how});
}

}  // namespace mutual::channel
