// SPDX-License-Identifier: Apache-2.0
// The systemd system unit in which a caller runs. Looked up only where a rule or a quota asks for it, and
// then once for each request: it costs reads below /proc.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/broker/caller.h"

namespace mutual::broker {

// Of the text of /proc/PID/cgroup, version 1 (name=systemd), 2 or hybrid: "worker@1.service". Empty: the
// process belongs to no service of the system (users' slices, scopes, containers and their inside are none).
std::string unit_of_cgroups(std::string_view text);

// Of who connected `socket`. The process is held by a pidfd, and must live until its groups were read. With
// SO_PEERPIDFD (since Linux 6.5) it is who connected; else pidfd_open tells who has that pid now, which must
// have been started before the connection was accepted, and run as the user who made it.
Result<std::string> find_caller_unit(int socket, const Caller& caller, config::UnitLookup lookup);

bool runs_in(const std::string& unit, const std::vector<config::UnitPattern>& units);

class CallerUnit {
public:
    using Source = std::function<Result<std::string>()>;
    explicit CallerUnit(Source source) : source_(std::move(source)) {}
    // The source must outlive the object's use: the socket stays open.
    CallerUnit(int socket, Caller caller, config::UnitLookup lookup);

    // Empty: in none. An error: it cannot be told, and whatever depends on it is refused.
    const Result<std::string>& name();
    bool was_asked() const { return found_.has_value(); }
    // The name, if it was asked for and there is one.
    std::string known() const { return found_ && *found_ ? **found_ : std::string(); }

private:
    Source source_;
    std::optional<Result<std::string>> found_;
};

}  // namespace mutual::broker
