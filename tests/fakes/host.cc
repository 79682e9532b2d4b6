// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/host.h"

#include <algorithm>
#include <sstream>

namespace mutual::fakes {

MutableBytes FakeOutlet::reserve(std::size_t size) {
    reserved_ = 0;
    if (committed_ + size > bound) return {};
    data_.resize(std::max(data_.size(), committed_ + size));
    reserved_ = size;
    return MutableBytes{data_}.subspan(committed_, size);
}

void FakeOutlet::commit(std::size_t size) {
    if (size > reserved_) violation("commit of more than was reserved");
    committed_ += size;
    reserved_ = 0;
}

std::vector<std::byte> FakeOutlet::take() {
    data_.resize(committed_);
    committed_ = reserved_ = 0;
    return std::exchange(data_, {});
}

FakeHost::FakeHost(Role role) : role_(role) {
    network_out.violation =
        program_out.violation = [this](std::string text) { violations.push_back(std::move(text)); };
}

Outlet& FakeHost::network() {
    require(!ended && !network_ended, "network() after its end");
    return network_out;
}

Outlet& FakeHost::program() {
    require(is_established, "program() before established()");
    require(!ended && !program_verdict, "program() after its end");
    return program_out;
}

void FakeHost::step(ContextNumber context, Bytes token) {
    note("step " + std::to_string(context));
    require(context < max_contexts, "context number too large");
    require(role_ == Role::initiator || !token.empty(), "acceptor steps without a token");
    owed_.emplace_back(
        [this, context, text = text_of(token)](Session& to) { to.stepped(context, answer(context, text)); });
}

void FakeHost::renew(ContextNumber context) {
    note("renew " + std::to_string(context));
    require(role_ == Role::initiator && is_established, "renew() at the wrong moment");
    owed_.emplace_back([this, context](Session& to) { to.stepped(context, answer(context, "")); });
}

void FakeHost::admit(ContextNumber context, std::string claim) {
    note("admit " + std::to_string(context) + (claim.empty() ? "" : " " + claim));
    require(role_ == Role::acceptor, "initiator asks for admission");
    require(contexts.contains(context), "admission of an incomplete context");
    owed_.emplace_back([this, context](Session& to) {
        AdmissionAnswer admission{admits, std::nullopt, stamp, acts_as};
        if (!admits)
            admission.error = Error{Code::denied, Stage::admission, "admit the peer: no rule allows it"};
        to.admitted(context, std::move(admission));
    });
}

void FakeHost::established() {
    note("established");
    require(!is_established, "established() twice");
    require(contexts.contains(0), "established() without a context");
    is_established = true;
}

void FakeHost::discard(ContextNumber context) {
    note("discard " + std::to_string(context));
    contexts.erase(context);
}

void FakeHost::network_end() {
    note("network_end");
    require(!network_ended, "network_end() twice");
    network_ended = true;
}

void FakeHost::program_end(Verdict verdict) {
    note("program_end " + std::string{name(verdict)});
    require(is_established, "program_end() before established()");
    require(!program_verdict, "program_end() twice");
    program_verdict = verdict;
}

void FakeHost::end(Verdict verdict, std::optional<Error> why) {
    note("end " + std::string{name(verdict)});
    require(!ended, "end() twice");
    ended = verdict;
    error = std::move(why);
    owed_.clear();
    wake_time.reset();
}

void FakeHost::wake_at(Instant when) {
    require(!ended, "wake_at() after the end");
    wake_time = when;
}

bool FakeHost::answer_one() {
    if (owed_.empty()) return false;
    const auto next = std::move(owed_.front());
    owed_.pop_front();
    next(*session);
    return true;
}

void FakeHost::answer_all() {
    while (answer_one()) {
    }
}

void FakeHost::advance(std::chrono::milliseconds time) {
    const auto until = now_ + time;
    while (wake_time && *wake_time <= until && !ended) {
        now_ = std::max(now_, *wake_time);
        wake_time.reset();
        session->wake();
    }
    now_ = until;
}

void FakeHost::note(std::string event) {
    require(!ended, "call after end(): " + event);
    events.push_back(std::move(event));
}

void FakeHost::require(bool kept, std::string_view rule) {
    if (!kept) violations.emplace_back(rule);
}

StepAnswer FakeHost::answer(ContextNumber context, const std::string& from_peer) {
    StepAnswer result;
    if (step_error) {
        result.error = std::exchange(step_error, std::nullopt);
        result.token = error_token;
        return result;
    }
    if (from_peer.empty()) {
        offered_[context] = key;
        result.token = token("hello", context, key);
        return result;
    }
    const bool initiator = role_ == Role::initiator;
    if (more_tokens > 0) {
        --more_tokens;
        result.token = token(initiator ? "hello" : "more", context, key);
        return result;
    }
    std::istringstream words{from_peer};
    std::string word;
    ContextNumber number = 0;
    std::uint64_t with_key = 0;
    words >> word >> number >> with_key;
    // Each end numbers its own.
    const bool fits = words && (number == context || !initiator) &&
                      word == (initiator ? "welcome" : "hello") && !contexts.contains(context) &&
                      (!initiator || offered_[context] == with_key);
    if (!fits) {
        result.error = Error{Code::wrong_peer, Stage::handshake, "step the handshake: token is not valid"};
        return result;
    }
    if (!initiator) result.token = token("welcome", number, with_key);
    result.established = complete(context, with_key);
    return result;
}

SecurityContext* FakeHost::complete(ContextNumber context, std::uint64_t with_key) {
    auto& made = contexts[context];
    made = std::make_unique<FakeSecurityContext>(role_, with_key);
    made->facts_.flags = flags;
    if (role_ == Role::acceptor) made->facts_.initiator = peer;
    return made.get();
}

std::vector<std::byte> FakeHost::token(std::string_view word, ContextNumber context,
                                       std::uint64_t with_key) const {
    auto text = std::string{word} + ' ' + std::to_string(context) + ' ' + std::to_string(with_key) + ' ';
    text.resize(std::max(text.size(), token_size), '.');
    return bytes_of(text);
}

std::vector<std::byte> bytes_of(std::string_view text) {
    const auto octets = std::as_bytes(std::span{text});
    return {octets.begin(), octets.end()};
}

std::string text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

}  // namespace mutual::fakes
