// SPDX-License-Identifier: Apache-2.0
#include "plugins/oncrpc/accepted_contexts.h"

#include <sys/random.h>

#include <algorithm>
#include <cstdlib>

#include "plugins/oncrpc/records.h"
#include "plugins/oncrpc/session.h"
#include "plugins/oncrpc/sys_credential.h"
#include "wire/context_flags.h"

namespace mutual::oncrpc {

namespace {

using wire::AcceptStatus;
using wire::AuthFlavor;
using wire::AuthStatus;
using wire::GssProcedure;

// Without a pattern: it is all that a call has to know to name a context.
Handle random_handle() {
    Handle handle{};
    if (::getrandom(handle.data(), handle.size(), 0) != static_cast<ssize_t>(handle.size())) std::abort();
    return handle;
}

// Contexts of one connection.
constexpr std::chrono::seconds pace{1};
constexpr int most_at_once = 16;

AcceptedContexts::Outcome over(Error error) { return {false, Verdict::reset, std::move(error)}; }

}  // namespace

Handle AcceptedContexts::key_of(Bytes handle) {
    Handle key{};
    std::copy_n(handle.begin(), std::min(handle.size(), key.size()), key.begin());
    return key;
}

AcceptedContext* AcceptedContexts::find(Bytes handle) {
    return handle.size() == Handle().size() ? find(key_of(handle)) : nullptr;
}

AcceptedContext* AcceptedContexts::find(const Handle& handle) {
    const auto found = contexts_.find(handle);
    return found == contexts_.end() ? nullptr : &found->second;
}

bool AcceptedContexts::is_making(ContextNumber number) const {
    return making_ && contexts_.at(making_->handle).number == number;
}

Result<void> AcceptedContexts::init(const wire::Call& call, const wire::GssCredential& credential) {
    // Only one is made at a time: whoever keeps to the protocol waits for its reply.
    if (making_ && making_->is_owed) return deny(call.xid, AuthStatus::failed);
    const bool is_first = credential.procedure == GssProcedure::init;
    if (is_first == !credential.handle.empty()) return deny(call.xid, AuthStatus::bad_credential);
    auto token = wire::read_init_token(call.arguments);
    if (!token) return deny(call.xid, AuthStatus::bad_credential);
    if (is_first) {
        if (making_) {
            host_.discard(contexts_.at(making_->handle).number);
            contexts_.erase(making_->handle);
            making_.reset();
        }
        if (contexts_.size() >= max_contexts) forget_expired();
        if (contexts_.size() >= max_contexts || !may_make()) return deny(call.xid, AuthStatus::failed);
        const ContextNumber number = free_number();
        making_ = Making{random_handle(), 0, false, {}};
        contexts_[making_->handle].number = number;
    } else {
        const bool is_that_one = making_ && find(credential.handle) == &contexts_.at(making_->handle);
        if (!is_that_one) return deny(call.xid, AuthStatus::gss_credential_problem);
    }
    making_->xid = call.xid;
    making_->is_owed = true;
    host_.step(contexts_.at(making_->handle).number, *token);
    return {};
}

// Each costs mutuald-keys a step.
bool AcceptedContexts::may_make() {
    const Instant now = host_.now();
    earliest_ = std::max(earliest_, now - most_at_once * pace);
    if (earliest_ > now) return false;
    earliest_ += pace;
    return true;
}

void AcceptedContexts::forget_expired() {
    for (auto one = contexts_.begin(); one != contexts_.end();) {
        const auto next = std::next(one);
        if (one->second.is_ready && one->second.security->is_expired()) destroy(Handle(one->first));
        one = next;
    }
}

// There are fewer contexts than numbers.
ContextNumber AcceptedContexts::free_number() const {
    ContextNumber number = 0;
    const auto has_it = [&number](const auto& one) { return one.second.number == number; };
    while (std::ranges::any_of(contexts_, has_it)) ++number;
    return number;
}

AcceptedContexts::Outcome AcceptedContexts::stepped(ContextNumber number, StepAnswer answered) {
    if (!is_making(number)) return {};
    if (answered.error) {
        const bool is_other = peer_ && answered.error->code == Code::wrong_peer;
        return refuse(is_other ? gss_unauthorized : gss_failure, answered.token, Verdict::unauthenticated,
                      std::move(answered.error));
    }
    AcceptedContext& context = contexts_.at(making_->handle);
    context.security = answered.established;
    if (context.security == nullptr) {
        making_->is_owed = false;
        auto sent = answer(gss_continue_needed, answered.token);
        return sent ? Outcome() : over(std::move(sent).error());
    }
    const ContextFacts& facts = context.security->facts();
    if (const auto missing = wire::missing_flags(facts.flags, false); !missing.empty())
        return refuse(
            gss_failure, {}, Verdict::reset,
            Error(Code::unprotected, Stage::handshake, "check the finished context: it lacks " + missing,
                  "the client has to ask for it"));
    if (auto good = check_name(facts); !good)
        return refuse(gss_unauthorized, {}, Verdict::denied, std::move(good).error());
    making_->token = std::move(answered.token);
    if (peer_) return ready();
    host_.admit(number, "program " + std::to_string(options_.program));
    return {};
}

// AUTH_SYS has no room for more (RFC 5531 appendix A).
Result<void> AcceptedContexts::check_name(const ContextFacts& facts) const {
    if (!options_.tells_server || facts.initiator.size() <= longest_machine_name) return {};
    return Error(Code::denied, Stage::handshake,
                 "the client's principal has " + std::to_string(facts.initiator.size()) +
                     " octets; the server can be told of " + std::to_string(longest_machine_name),
                 "set accept.rpc.credential = \"none\" in the service if its server asks WhoIs instead");
}

AcceptedContexts::Outcome AcceptedContexts::admitted(ContextNumber number, AdmissionAnswer answered) {
    if (!is_making(number)) return {};
    if (!answered.admitted) return refuse(gss_unauthorized, {}, Verdict::denied, std::move(answered.error));
    peer_ = contexts_.at(making_->handle).security->facts().initiator;
    return ready();
}

AcceptedContexts::Outcome AcceptedContexts::ready() {
    if (auto sent = answer(gss_complete, making_->token); !sent) return over(std::move(sent).error());
    contexts_.at(making_->handle).is_ready = true;
    making_.reset();
    ++ready_;
    return {true, std::nullopt, std::nullopt};
}

AcceptedContexts::Outcome AcceptedContexts::refuse(std::uint32_t major, Bytes token, Verdict verdict,
                                                   std::optional<Error> error) {
    Outcome outcome;
    if (auto sent = answer(major, token); !sent) return over(std::move(sent).error());
    const ContextNumber number = contexts_.at(making_->handle).number;
    contexts_.erase(making_->handle);
    making_.reset();
    if (peer_) {
        host_.discard(number);
        return outcome;
    }
    outcome.refused = verdict;
    outcome.error = std::move(error);
    return outcome;
}

Result<void> AcceptedContexts::answer(std::uint32_t major, Bytes token) {
    const AcceptedContext& context = contexts_.at(making_->handle);
    wire::InitResult result;
    result.major = major;
    std::vector<std::byte> room(token.begin(), token.end());
    result.token = room;
    wire::OpaqueAuth verifier;
    std::vector<std::byte> mic;
    if (major == gss_complete || major == gss_continue_needed) result.handle = making_->handle;
    if (major == gss_complete) {
        result.window = wire::SequenceWindow::size;
        auto made = context.security->mic(wire::to_xdr(result.window));
        if (!made) return std::move(made).error();
        mic = std::move(*made);
        verifier = {AuthFlavor::gss, mic};
    }
    wire::XdrWriter out;
    wire::put_accepted(out, making_->xid, verifier, AcceptStatus::success);
    wire::put_init_result(out, result);
    return send_record(host_.network(), out.view());
}

Result<void> AcceptedContexts::deny(std::uint32_t xid, AuthStatus why) {
    wire::XdrWriter out;
    wire::put_auth_error(out, xid, why);
    return send_record(host_.network(), out.view());
}

void AcceptedContexts::destroy(const Handle& handle) {
    const auto found = contexts_.find(handle);
    if (found == contexts_.end() || !found->second.is_ready) return;
    host_.discard(found->second.number);
    contexts_.erase(found);
    --ready_;
}

}  // namespace mutual::oncrpc
