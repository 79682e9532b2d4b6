// SPDX-License-Identifier: Apache-2.0
// Every established channel of this process, and for a while those that ended: what List, WhoIs and Close
// work on. Channels write to their own record from the threads of their loops; the table is shared by all
// threads.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/channel/endpoint.h"
#include "daemon/unit/counts.h"
#include "mutual/transport.h"

namespace mutual::channel {

using WallTime = std::chrono::system_clock::time_point;

// The most live channels that one opened here may be among: of all that were opened here, of its caller's
// uid, and of its caller's unit. 0: any number.
struct ChannelQuota {
    std::size_t all = 0;
    std::size_t uid = 0;
    std::size_t unit = 0;
};

// What does not change once the channel is established.
struct ChannelFacts {
    std::string channel;
    Role role = Role::initiator;
    std::string service;
    std::string rule;
    uid_t caller = static_cast<uid_t>(-1);
    std::string unit;  // the caller's systemd unit; empty: none, or it was not asked for
    ChannelQuota quota;
    std::string context;
    std::string initiator;
    std::string acceptor;
    std::string spn;    // initiator: what was asked for
    Endpoint endpoint;  // of the peer
    std::uint64_t cookie = 0;
    std::uint32_t stamp = 0;  // acceptor
    WallTime started;
    WallTime expires;      // at its beginning; see ChannelState
    std::size_t loop = 0;  // where it lives
};

struct ChannelState {
    ChannelFacts facts;
    std::optional<Verdict> verdict;
    std::optional<WallTime> ended;
    std::uint64_t bytes_from_peer = 0;
    std::uint64_t bytes_to_peer = 0;
    std::uint64_t calls = 0;  // of an RPC; 0 on other wires
};

class ChannelRecord {
public:
    explicit ChannelRecord(ChannelFacts facts);

    const ChannelFacts& facts() const { return facts_; }
    // By the channel's own thread. The first verdict stands.
    void record(Verdict verdict);
    void count(std::uint64_t from_peer, std::uint64_t to_peer, std::uint64_t calls);
    void expires_at(WallTime when);
    // By anyone.
    ChannelState state() const;

private:
    friend class ChannelTable;
    static constexpr int no_verdict = -1;

    const ChannelFacts facts_;
    std::atomic<int> verdict_{no_verdict};
    std::atomic<std::int64_t> ended_{0};  // seconds since the epoch
    std::atomic<std::uint64_t> bytes_from_peer_{0};
    std::atomic<std::uint64_t> bytes_to_peer_{0};
    std::atomic<std::uint64_t> calls_{0};
    std::atomic<WallTime::rep> expires_;  // it moves when the channel's context is renewed
};

class ChannelTable {
public:
    struct Limits {
        std::chrono::seconds remembered{60};
        std::size_t ended = 4096;
    };
    ChannelTable() : ChannelTable(Limits()) {}
    explicit ChannelTable(Limits limits);

    // invalid_request: a channel of that id is there already; limit: see check().
    Result<std::shared_ptr<ChannelRecord>> add(ChannelFacts facts);
    // `when` is told to those who ask, and from `now` on it is counted how long that is.
    void end(const std::shared_ptr<ChannelRecord>& record, WallTime when, Instant now);
    // limit: there are as many as the quota allows. Only channels opened from here have one: those that were
    // accepted are bounded for each service.
    Result<void> check(const ChannelFacts& facts) const;

    std::vector<ChannelState> live() const;
    std::size_t live_count() const;
    // Also those that ended not long before `now`.
    std::optional<ChannelState> find(const std::string& channel, Instant now);
    std::optional<ChannelState> find_by_cookie(std::uint64_t cookie, Instant now);
    std::optional<ChannelState> find_by_stamp(std::uint32_t stamp, Instant now);

    // Never 0, and of no channel that find_by_stamp() knows.
    std::uint32_t fresh_stamp();

private:
    using Record = std::shared_ptr<ChannelRecord>;
    struct Ended {
        Record record;
        Instant at;
    };
    template <class Map, class Name>
    std::optional<ChannelState> look_up(const Map& map, const Name& name, Instant now);
    Result<void> within_quota(const ChannelFacts& facts) const;
    void forget_old(Instant now);
    void forget(const Record& record);

    Limits limits_;
    mutable std::mutex mutex_;  // held for look-ups only
    std::unordered_map<std::string, Record> by_id_;
    std::unordered_map<std::uint64_t, Record> by_cookie_;
    std::unordered_map<std::uint32_t, Record> by_stamp_;
    std::uint32_t last_stamp_;  // begins anywhere: one of an earlier process names nothing here
    std::deque<Ended> ended_;   // in the order of their ends
    // Live ones that were opened from here.
    std::size_t opened_ = 0;
    unit::Counts<uid_t> by_uid_;
    unit::Counts<std::string> by_unit_;
};

}  // namespace mutual::channel
