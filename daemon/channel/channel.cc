// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/channel.h"

#include <utility>

namespace mutual::channel {

Channel::Channel(EventLoop& loop, ChannelTable& table, ChannelSetup setup, Observer observer)
    : loop_(loop),
      table_(table),
      setup_(std::move(setup)),
      observer_(std::move(observer)),
      network_(loop),
      program_(loop),
      timer_(loop.context()) {}

Channel::~Channel() = default;

void Channel::start(Transport& transport) {
    network_.attach(std::move(setup_.network));
    active_ = now();
    try {
        auto session = transport.session({setup_.facts.role, setup_.options}, *this);
        if (session)
            session_ = std::move(*session);
        else
            fail(Verdict::reset, std::move(session).error());
    } catch (const std::exception& thrown) {
        plugin_broke(thrown.what());
    }
    if (session_) drive([](Session& session) { session.start(); });
    if (ending_) obey();
    rest();
}

void Channel::close(Verdict verdict) {
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

void Channel::step(ContextNumber number, Bytes token) {
    if (!contexts_.contains(number) && contexts_.size() >= max_contexts)
        return fail(Verdict::reset, {Code::limit, Stage::handshake, "the session opened too many contexts"});
    Context& context = contexts_[number];
    if (context.established) return plugin_broke("it stepped a context that is complete");
    if (context.handshake == 0) context.handshake = setup_.grant->begin();
    ++unanswered_;
    auto answered = [self = shared_from_this(), number](Step step) {
        --self->unanswered_;
        self->stepped(number, std::move(step));
    };
    setup_.grant->step(context.handshake, token, std::move(answered));
}

void Channel::admit(ContextNumber number, std::string claim) {
    const auto found = contexts_.find(number);
    if (found == contexts_.end() || !found->second.established || admission_ ||
        setup_.admission_socket.empty())
        return plugin_broke("it asked for admission at the wrong moment");
    admission_ = std::make_shared<Admission>(loop_, setup_.admission_socket);
    ++unanswered_;
    auto answered = [self = shared_from_this(), number](Result<Admitted> answer) {
        --self->unanswered_;
        self->admitted(number, std::move(answer));
    };
    AdmissionQuestion question{setup_.facts.service, setup_.facts.context, setup_.facts.endpoint,
                               std::move(claim), setup_.deadline};
    admission_->ask(std::move(question), std::move(answered));
}

void Channel::established() {
    const bool authenticated = !setup_.facts.context.empty();
    const bool has_program = static_cast<bool>(setup_.program);  // an acceptor's came with its admission
    if (phase_ != Phase::handshake || !authenticated || !has_program)
        return plugin_broke("it called itself established at the wrong moment");
    establishing_ = true;
}

void Channel::discard(ContextNumber number) {
    const auto found = contexts_.find(number);
    if (found == contexts_.end()) return;
    if (!found->second.established) setup_.grant->drop(found->second.handshake);
    contexts_.erase(found);
}

void Channel::program_end(Verdict verdict) {
    if (!peer_verdict_) peer_verdict_ = verdict;
    if (record_) record_->record(*peer_verdict_);
    program_.finish();
}

void Channel::end(Verdict verdict, std::optional<Error> error) {
    if (!ending_) ending_ = Ending{verdict, std::move(error)};
}

// What it is told

void Channel::stepped(ContextNumber number, Step step) {
    const auto found = contexts_.find(number);
    if (!is_live() || found == contexts_.end()) return;
    if (step.established) complete(found->second, step);
    StepAnswer answer;
    answer.token = std::move(step.token);
    answer.established = found->second.established.get();
    answer.error = std::move(step.error);
    drive([&](Session& session) { session.stepped(number, std::move(answer)); });
    rest();
}

void Channel::complete(Context& context, Step& step) {
    const ContextFacts& facts = step.established->facts();
    expires_ = facts.expires;
    if (phase_ == Phase::handshake && setup_.facts.context.empty()) {
        setup_.facts.context = step.context;
        setup_.facts.initiator = facts.initiator;
        setup_.facts.acceptor = facts.acceptor;
        if (setup_.facts.role == Role::acceptor) setup_.facts.spn = facts.acceptor;
    }
    context.established = std::move(step.established);
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
        setup_.program = std::move(result->program);
    } else {
        answer.error = std::move(result).error();
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
    auto added = table_.add(setup_.facts);
    if (!added) return fail(Verdict::reset, std::move(added).error());
    record_ = std::move(*added);
    if (peer_verdict_) record_->record(*peer_verdict_);
    program_.attach(std::move(setup_.program));
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
