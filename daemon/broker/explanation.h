// SPDX-License-Identifier: Apache-2.0
// The ordered record of what was tried, decided and answered for one request; the same in API, CLI and
// journal.
#pragma once

#include <sys/types.h>

#include <array>
#include <boost/json/object.hpp>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "mutual/error.h"

namespace mutual::broker {

class Explanation {
public:
    using Clock = std::chrono::steady_clock;

    Explanation(std::string request, std::string service, uid_t caller, Clock::time_point began);

    // `decision` is one word for people and programs: found, allowed, refused, skipped, chosen, failed, done.
    // At most max_lines are kept; what comes after is counted.
    void add(Stage stage, std::string_view decision, std::string message);
    void add(const Error& error) { add(error.stage, "failed", error.message); }
    void spend(Stage stage, Clock::duration time);

    // The stage in which the request is at this moment, for an error that only knows that time is over.
    Stage current() const { return current_; }
    void enter(Stage stage) { current_ = stage; }

    const std::string& request() const { return request_; }
    const std::string& service() const { return service_; }
    uid_t caller() const { return caller_; }
    // What it takes of memory, about.
    std::size_t octets() const;
    Clock::duration spent(Stage stage) const { return spent_[static_cast<std::size_t>(stage)]; }
    boost::json::object to_json() const;

    struct Line {
        Stage stage;
        std::string decision;
        std::string message;
        std::chrono::microseconds at;
    };
    const std::vector<Line>& lines() const { return lines_; }

    static constexpr std::size_t max_lines = 256;

private:
    std::string request_;
    std::string service_;
    uid_t caller_;
    Clock::time_point began_;
    Stage current_ = Stage::request;
    std::vector<Line> lines_;
    std::size_t omitted_ = 0;
    std::array<Clock::duration, stage_names.size()> spent_{};
};

// Accounts the time of a scope to a stage, and makes it the current one.
class StageTime {
public:
    StageTime(Explanation& explanation, Stage stage)
        : explanation_(explanation), stage_(stage), began_(Explanation::Clock::now()) {
        explanation_.enter(stage);
    }
    ~StageTime() { explanation_.spend(stage_, Explanation::Clock::now() - began_); }
    StageTime(const StageTime&) = delete;
    StageTime& operator=(const StageTime&) = delete;

private:
    Explanation& explanation_;
    Stage stage_;
    Explanation::Clock::time_point began_;
};

}  // namespace mutual::broker
