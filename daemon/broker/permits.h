// SPDX-License-Identifier: Apache-2.0
// Bounds what is pending, in all and for one uid. A permit is held as long as its object lives.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "mutual/error.h"

namespace mutual::broker {

class Permits {
public:
    Permits(std::size_t most, std::size_t most_per_uid)
        : state_(std::make_shared<State>(State{most, most_per_uid, 0, {}})) {}

    using Permit = std::shared_ptr<void>;
    std::size_t taken() const { return state_->total; }

    // limit: `what` names what there are too many of.
    Result<Permit> take(uid_t uid, const std::string& what) {
        std::size_t& of_uid = state_->by_uid[uid];
        if (state_->total >= state_->most || of_uid >= state_->most_per_uid) {
            const std::size_t count = of_uid;
            if (count == 0) state_->by_uid.erase(uid);
            return Error(Code::limit, Stage::caller,
                         "uid " + std::to_string(uid) + " has " + std::to_string(count) + " pending " + what +
                             ", " + std::to_string(state_->total) + " are pending in all",
                         "wait for some to end, or raise daemon.limits");
        }
        ++of_uid;
        ++state_->total;
        return Permit(nullptr, [state = state_, uid](void*) {
            --state->total;
            if (--state->by_uid[uid] == 0) state->by_uid.erase(uid);
        });
    }

private:
    struct State {
        std::size_t most;
        std::size_t most_per_uid;
        std::size_t total;
        std::map<uid_t, std::size_t> by_uid;
    };
    std::shared_ptr<State> state_;
};

}  // namespace mutual::broker
