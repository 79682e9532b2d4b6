// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/channel_table.h"

#include <random>

namespace mutual::channel {

ChannelRecord::ChannelRecord(ChannelFacts facts)
    : facts_(std::move(facts)), expires_(facts_.expires.time_since_epoch().count()) {}

void ChannelRecord::expires_at(WallTime when) {
    expires_.store(when.time_since_epoch().count(), std::memory_order_relaxed);
}

void ChannelRecord::record(Verdict verdict) {
    int none = no_verdict;
    verdict_.compare_exchange_strong(none, static_cast<int>(verdict));
}

void ChannelRecord::count(std::uint64_t from_peer, std::uint64_t to_peer, std::uint64_t calls) {
    bytes_from_peer_.store(from_peer, std::memory_order_relaxed);
    bytes_to_peer_.store(to_peer, std::memory_order_relaxed);
    calls_.store(calls, std::memory_order_relaxed);
}

ChannelState ChannelRecord::state() const {
    ChannelState state{facts_,
                       {},
                       {},
                       bytes_from_peer_.load(std::memory_order_relaxed),
                       bytes_to_peer_.load(std::memory_order_relaxed),
                       calls_.load(std::memory_order_relaxed)};
    state.facts.expires = WallTime(WallTime::duration(expires_.load(std::memory_order_relaxed)));
    if (const int verdict = verdict_.load(); verdict != no_verdict)
        state.verdict = static_cast<Verdict>(verdict);
    if (const auto ended = ended_.load(); ended != 0) state.ended = WallTime(std::chrono::seconds(ended));
    return state;
}

namespace {

// libtirpc's servers see a negative number above it.
constexpr std::uint32_t highest_stamp = 0x7fffffff;

Error too_many(const std::string& who, std::size_t count, const char* key) {
    return {Code::limit, Stage::channel,
            who + " " + std::to_string(count) + " live channels already, as many as daemon.limits." + key +
                " allows",
            std::string("close some, or raise daemon.limits.") + key};
}

}  // namespace

ChannelTable::ChannelTable(Limits limits) : limits_(limits), last_stamp_(std::random_device()()) {}

Result<void> ChannelTable::within_quota(const ChannelFacts& facts) const {
    if (facts.role != Role::initiator) return {};
    const std::size_t of_uid = by_uid_.of(facts.caller);
    const std::size_t of_unit = by_unit_.of(facts.unit);
    const ChannelQuota& quota = facts.quota;
    if (quota.uid != 0 && of_uid >= quota.uid)
        return too_many("uid " + std::to_string(facts.caller) + " has", of_uid, "channels_per_uid");
    if (quota.unit != 0 && !facts.unit.empty() && of_unit >= quota.unit)
        return too_many("unit " + facts.unit + " has", of_unit, "channels_per_unit");
    if (quota.all != 0 && opened_ >= quota.all) return too_many("there are", opened_, "channels");
    return {};
}

Result<void> ChannelTable::check(const ChannelFacts& facts) const {
    const std::lock_guard lock(mutex_);
    return within_quota(facts);
}

Result<std::shared_ptr<ChannelRecord>> ChannelTable::add(ChannelFacts facts) {
    auto record = std::make_shared<ChannelRecord>(std::move(facts));
    const std::lock_guard lock(mutex_);
    if (Result<void> within = within_quota(record->facts()); !within) return within.error();
    if (!by_id_.emplace(record->facts().channel, record).second)
        return Error{Code::invalid_request, Stage::channel,
                     "there is a channel " + record->facts().channel + " already"};
    if (record->facts().role == Role::initiator) {
        ++opened_;
        by_uid_.add(record->facts().caller);
        if (!record->facts().unit.empty()) by_unit_.add(record->facts().unit);
    }
    if (record->facts().cookie != 0) by_cookie_[record->facts().cookie] = record;
    if (record->facts().stamp != 0) by_stamp_[record->facts().stamp] = record;
    return record;
}

void ChannelTable::end(const Record& record, WallTime when, Instant now) {
    const std::lock_guard lock(mutex_);
    record->ended_ = std::chrono::duration_cast<std::chrono::seconds>(when.time_since_epoch()).count();
    ended_.push_back({record, now});
    if (record->facts().role == Role::initiator) {
        --opened_;
        by_uid_.remove(record->facts().caller);
        if (!record->facts().unit.empty()) by_unit_.remove(record->facts().unit);
    }
    forget_old(now);
}

std::vector<ChannelState> ChannelTable::live() const {
    const std::lock_guard lock(mutex_);
    std::vector<ChannelState> states;
    for (const auto& [id, record] : by_id_)
        if (record->ended_ == 0) states.push_back(record->state());
    return states;
}

std::size_t ChannelTable::live_count() const {
    const std::lock_guard lock(mutex_);
    return by_id_.size() - ended_.size();
}

template <class Map, class Name>
std::optional<ChannelState> ChannelTable::look_up(const Map& map, const Name& name, Instant now) {
    const std::lock_guard lock(mutex_);
    forget_old(now);
    const auto found = map.find(name);
    if (found == map.end()) return std::nullopt;
    return found->second->state();
}

std::optional<ChannelState> ChannelTable::find(const std::string& channel, Instant now) {
    return look_up(by_id_, channel, now);
}

std::optional<ChannelState> ChannelTable::find_by_cookie(std::uint64_t cookie, Instant now) {
    return look_up(by_cookie_, cookie, now);
}

std::optional<ChannelState> ChannelTable::find_by_stamp(std::uint32_t stamp, Instant now) {
    return look_up(by_stamp_, stamp, now);
}

std::uint32_t ChannelTable::fresh_stamp() {
    const std::lock_guard lock(mutex_);
    do last_stamp_ = (last_stamp_ + 1) & highest_stamp;
    while (last_stamp_ == 0 || by_stamp_.contains(last_stamp_));
    return last_stamp_;
}

void ChannelTable::forget_old(Instant now) {
    const auto is_old = [&](const Ended& ended) { return ended.at + limits_.remembered < now; };
    while (!ended_.empty() && (ended_.size() > limits_.ended || is_old(ended_.front()))) {
        forget(ended_.front().record);
        ended_.pop_front();
    }
}

void ChannelTable::forget(const Record& record) {
    by_id_.erase(record->facts().channel);
    const auto found = by_cookie_.find(record->facts().cookie);
    if (found != by_cookie_.end() && found->second == record) by_cookie_.erase(found);
    by_stamp_.erase(record->facts().stamp);
}

}  // namespace mutual::channel
