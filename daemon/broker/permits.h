// SPDX-License-Identifier: Apache-2.0
// Bounds how much of one kind callers may have at a time: in all, of one uid, and of one systemd unit. A
// permit is held as long as its object lives.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "daemon/broker/caller_unit.h"
#include "daemon/unit/counts.h"
#include "mutual/error.h"

namespace mutual::broker {

class Permits {
public:
    // `key`: of daemon.limits, as in "requests"; empty: none, the bounds are fixed. `what` names what there
    // are too many of: "pending requests".
    Permits(std::string key, std::string what) : key_(std::move(key)), what_(std::move(what)) {}

    using Permit = std::shared_ptr<void>;
    std::size_t taken() const { return counts_->total; }
    std::uint64_t refused() const { return refused_; }
    const std::string& key() const { return key_; }

    // An empty unit is none, and not bounded as one. limit: which bound was met, and by how many.
    Result<Permit> take(const config::Bounds& bounds, uid_t uid, const std::string& unit);

private:
    struct Counts {
        std::size_t total = 0;
        unit::Counts<uid_t> by_uid;
        unit::Counts<std::string> by_unit;
    };
    Error refuse(const std::string& who, std::size_t count, const std::string& suffix, std::size_t most);

    std::string key_;
    std::string what_;
    std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();
    std::uint64_t refused_ = 0;
};

// Asks for the caller's unit only where units are bounded; one that cannot be told is refused then.
Result<Permits::Permit> take(Permits& permits, const config::Bounds& bounds, const Caller& caller,
                             CallerUnit& unit);

}  // namespace mutual::broker
