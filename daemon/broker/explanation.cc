// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/explanation.h"

#include <boost/json/array.hpp>

namespace mutual::broker {

namespace json = boost::json;
using std::chrono::duration_cast;
using std::chrono::microseconds;

Explanation::Explanation(std::string request, std::string service, uid_t caller, Clock::time_point began)
    : request_(std::move(request)), service_(std::move(service)), caller_(caller), began_(began) {}

void Explanation::add(Stage stage, std::string_view decision, std::string message) {
    current_ = stage;
    if (lines_.size() >= max_lines) {
        ++omitted_;
        return;
    }
    const auto at = duration_cast<microseconds>(Clock::now() - began_);
    lines_.push_back({stage, std::string(decision), std::move(message), at});
}

void Explanation::spend(Stage stage, Clock::duration time) {
    spent_[static_cast<std::size_t>(stage)] += time;
}

std::size_t Explanation::octets() const {
    std::size_t sum = sizeof *this;
    for (const Line& line : lines_) sum += sizeof line + line.message.size();
    return sum;
}

json::object Explanation::to_json() const {
    json::array lines;
    for (const Line& line : lines_) {
        json::object entry;
        entry["stage"] = name(line.stage);
        entry["decision"] = line.decision;
        entry["message"] = line.message;
        entry["microseconds"] = line.at.count();
        lines.push_back(std::move(entry));
    }
    if (omitted_ > 0) {
        json::object entry;
        entry["stage"] = name(current_);
        entry["decision"] = "omitted";
        entry["message"] = std::to_string(omitted_) + " further lines";
        entry["microseconds"] = duration_cast<microseconds>(Clock::now() - began_).count();
        lines.push_back(std::move(entry));
    }
    json::array timings;
    for (std::size_t i = 0; i < spent_.size(); ++i) {
        if (spent_[i] == Clock::duration::zero()) continue;
        json::object entry;
        entry["stage"] = stage_names[i];
        entry["microseconds"] = duration_cast<microseconds>(spent_[i]).count();
        timings.push_back(std::move(entry));
    }
    json::object object;
    object["request"] = request_;
    object["service"] = service_;
    object["callerUid"] = caller_;
    object["lines"] = std::move(lines);
    object["timings"] = std::move(timings);
    return object;
}

}  // namespace mutual::broker
