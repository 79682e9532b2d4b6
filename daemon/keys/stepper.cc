// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/stepper.h"

namespace mutual::keys {

namespace {

constexpr std::size_t remembered = 4096;

Error refused(Code code, const char* why) {
    return Error(code, Stage::handshake, std::string("step a handshake: ") + why);
}

}  // namespace

Result<Stepper::Running*> Stepper::running(std::int64_t number, Time now) {
    const auto found = running_.find(number);
    if (found != running_.end()) return &found->second;
    if (finished_.contains(number)) return refused(Code::invalid_request, "that handshake is over");
    if (limits_.in_all != 0 && begun_ >= limits_.in_all)
        return refused(Code::denied, "the grant is for fewer handshakes");
    if (running_.size() >= limits_.in_progress)
        return refused(Code::limit, "too many handshakes are in progress on this grant");
    ++begun_;
    auto handshake = begin_();
    if (!handshake) {
        finish(number);
        return std::move(handshake).error();
    }
    const auto added = running_.emplace(number, Running{std::move(*handshake), now + longest_handshake});
    return &added.first->second;
}

StepAnswer Stepper::step(std::int64_t number, std::string_view token, Time now) {
    sweep(now);
    if (token.size() > max_token) {
        drop(number);
        return {{}, {}, refused(Code::limit, "the token is larger than 128 KiB")};
    }
    auto found = running(number, now);
    if (!found) return {{}, {}, std::move(found).error()};
    Running& one = **found;
    if (++one.steps > limits_.steps) {
        finish(number);
        return {{}, {}, refused(Code::protocol, "it takes too many steps")};
    }
    StepAnswer answer = one.handshake->step(token);
    if (answer.established || answer.error) finish(number);
    return answer;
}

void Stepper::drop(std::int64_t number) {
    if (running_.contains(number)) finish(number);
}

void Stepper::sweep(Time now) {
    for (auto one = running_.begin(); one != running_.end();) {
        const auto next = std::next(one);
        if (one->second.deadline <= now) finish(one->first);
        one = next;
    }
}

void Stepper::finish(std::int64_t number) {
    running_.erase(number);
    if (!finished_.insert(number).second) return;
    finished_in_order_.push_back(number);
    if (finished_in_order_.size() <= remembered) return;
    finished_.erase(finished_in_order_.front());
    finished_in_order_.pop_front();
}

}  // namespace mutual::keys
