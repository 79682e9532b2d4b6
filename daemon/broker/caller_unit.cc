// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/caller_unit.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "varlink/readiness.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77  // Linux 6.5; Debian 12's headers are older
#endif

namespace mutual::broker {

namespace {

constexpr std::string_view suffix = ".service";
constexpr std::size_t longest_name = 255;  // systemd's UNIT_NAME_MAX, without its NUL

bool is_service_name(std::string_view name) {
    const auto is_allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view(":-_.\\@").find(c) != std::string_view::npos;
    };
    return name.size() > suffix.size() && name.size() <= longest_name && name.ends_with(suffix) &&
           name.front() != '@' && std::all_of(name.begin(), name.end(), is_allowed);
}

// Slices, from the root on, and then the unit; what is below it is the unit's own business.
std::string unit_of_path(std::string_view path) {
    while (path.starts_with("/")) {
        path.remove_prefix(1);
        std::string_view part = path.substr(0, path.find('/'));
        path.remove_prefix(part.size());
        if (part == "user.slice" || part == "machine.slice") return {};
        if (part.ends_with(".slice")) continue;
        // systemd escapes names that the kernel's own files could have.
        if (part.starts_with('_')) part.remove_prefix(1);
        return is_service_name(part) ? std::string(part) : std::string();
    }
    return {};
}

Error cannot_tell(const Caller& caller, const std::string& why) {
    return {Code::unavailable, Stage::caller,
            "which systemd unit pid " + std::to_string(caller.pid) + " runs in cannot be told: " + why,
            "connect from a process that lives as long as its request"};
}

// Of a call for a pidfd.
Error no_pidfd(const Caller& caller, int error) {
    if (error != EMFILE && error != ENFILE && error != ENOMEM)
        return cannot_tell(caller, "the process has ended");
    Error lacking = cannot_tell(caller, std::strerror(error));
    lacking.code = Code::limit;
    lacking.hint = "mutuald lacks descriptors or memory: try again";
    return lacking;
}

UniqueFd peer_pidfd(int socket) {
    int pidfd = -1;
    socklen_t size = sizeof pidfd;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) != 0) return {};
    return UniqueFd(pidfd);
}

bool has_ended(const UniqueFd& pidfd) {
    return varlink::is_ready(pidfd.value(), boost::asio::posix::stream_descriptor::wait_read);
}

// A file below /proc; more than fits is an error, too.
Result<std::string> read_of(const Caller& caller, const char* file) {
    const std::string path = "/proc/" + std::to_string(caller.pid) + "/" + file;
    const UniqueFd open(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 16384> buffer;
    std::size_t done = 0;
    while (open && done < buffer.size()) {
        const ssize_t got = ::read(open.value(), buffer.data() + done, buffer.size() - done);
        if (got == 0) return std::string(buffer.data(), done);
        if (got < 0) break;
        done += static_cast<std::size_t>(got);
    }
    return cannot_tell(caller, path + ": " + (done == buffer.size() ? "is too long" : std::strerror(errno)));
}

// Of /proc/PID/stat: the time since boot at which the process was started, rounded down; the command before
// it may hold any character, also ")".
std::optional<std::chrono::nanoseconds> start_time(std::string_view stat) {
    constexpr int fields_before = 19;  // after the command: start time is the 22nd of all
    std::size_t at = stat.rfind(')');
    for (int i = 0; i <= fields_before && at != std::string_view::npos; ++i) at = stat.find(' ', at + 1);
    if (at == std::string_view::npos) return std::nullopt;
    std::int64_t ticks = 0;
    const auto read = std::from_chars(stat.data() + at + 1, stat.data() + stat.size(), ticks);
    if (read.ec != std::errc()) return std::nullopt;
    return std::chrono::nanoseconds(ticks * (1'000'000'000 / ::sysconf(_SC_CLK_TCK)));
}

// Of /proc/PID/status: the effective one.
std::optional<uid_t> effective_uid(std::string_view status) {
    constexpr std::string_view key = "\nUid:\t";
    std::size_t at = status.find(key);
    if (at == std::string_view::npos) return std::nullopt;
    at = status.find('\t', at + key.size());  // behind the real one
    if (at == std::string_view::npos) return std::nullopt;
    uid_t uid = 0;
    const auto read = std::from_chars(status.data() + at + 1, status.data() + status.size(), uid);
    if (read.ec != std::errc()) return std::nullopt;
    return uid;
}

// check_age knows when the connection was accepted, not when it was made: in between, and within a tick, the
// pid may have become another process's. At least it must not be another user's.
Result<void> check_user(const Caller& caller) {
    const Result<std::string> status = read_of(caller, "status");
    if (!status) return status.error();
    if (effective_uid(*status) == caller.uid) return {};
    return cannot_tell(caller, "that process runs as another user than who made the connection");
}

// A pid alone may have been given to another process since its first one connected.
Result<void> check_age(const Caller& caller) {
    const Result<std::string> stat = read_of(caller, "stat");
    if (!stat) return stat.error();
    const auto started = start_time(*stat);
    if (!started) return cannot_tell(caller, "/proc does not say when it was started");
    if (*started > caller.seen_at)
        return cannot_tell(caller, "that process was started after the connection was made");
    return {};
}

}  // namespace

std::string unit_of_cgroups(std::string_view text) {
    std::optional<std::string> by_name;
    std::string unified;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const std::size_t controllers = line.find(':');
        const std::size_t path = controllers == line.npos ? line.npos : line.find(':', controllers + 1);
        if (path == line.npos) continue;
        const std::string_view which = line.substr(controllers + 1, path - controllers - 1);
        if (which == "name=systemd") by_name = unit_of_path(line.substr(path + 1));
        if (which.empty() && line.starts_with("0:")) unified = unit_of_path(line.substr(path + 1));
    }
    // Where systemd keeps both, they agree.
    if (by_name && !unified.empty() && *by_name != unified) return {};
    return by_name ? *by_name : unified;
}

Result<std::string> find_caller_unit(int socket, const Caller& caller, config::UnitLookup lookup) {
    if (caller.pid <= 0) return cannot_tell(caller, "it is in a pid namespace that is not seen from here");
    UniqueFd pidfd;
    if (lookup == config::UnitLookup::pidfd) {
        pidfd = peer_pidfd(socket);
        if (!pidfd && errno != ENOPROTOOPT) return no_pidfd(caller, errno);
    }
    const bool is_peers = static_cast<bool>(pidfd);
    if (!is_peers) pidfd = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, caller.pid, 0)));
    if (!pidfd) return no_pidfd(caller, errno);
    if (!is_peers) {
        if (Result<void> old_enough = check_age(caller); !old_enough) return old_enough.error();
        if (Result<void> same_user = check_user(caller); !same_user) return same_user.error();
    }
    Result<std::string> groups = read_of(caller, "cgroup");
    // While it lives, its pid is nobody else's.
    if (has_ended(pidfd)) return cannot_tell(caller, "the process has ended");
    if (!groups) return groups.error();
    return unit_of_cgroups(*groups);
}

bool runs_in(const std::string& unit, const std::vector<config::UnitPattern>& units) {
    const auto matches = [&unit](const config::UnitPattern& pattern) { return pattern.matches(unit); };
    return std::any_of(units.begin(), units.end(), matches);
}

CallerUnit::CallerUnit(int socket, Caller caller, config::UnitLookup lookup)
    : source_([socket, caller = std::move(caller), lookup] {
          return find_caller_unit(socket, caller, lookup);
      }) {}

const Result<std::string>& CallerUnit::name() {
    if (!found_) found_ = source_();
    return *found_;
}

}  // namespace mutual::broker
