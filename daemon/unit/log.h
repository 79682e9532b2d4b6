// SPDX-License-Identifier: Apache-2.0
// The log of a program: passed to whoever writes to it, never global. Each line has a priority, a message and
// fields that a journal can search by (MUTUALD_REQUEST=...). A test passes a sink of its own.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mutual::unit {

// The numbers are syslog's.
enum class Priority : std::uint8_t { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };

// What is known about the line. In the journal each is MUTUALD_ and its name in capitals.
enum class Field : std::uint8_t {
    request,
    channel,
    caller_uid,
    caller_unit,
    service,
    spn,
    peer,
    stage,
    decision,
    rule
};
std::string_view name(Field field);
std::string_view name(Priority priority);
inline constexpr std::array levels{Priority::error, Priority::warning, Priority::notice, Priority::info,
                                   Priority::debug};

struct LogField {
    Field field;
    std::string value;
};
using LogFields = std::vector<LogField>;

// What a sink gets; valid during the call only.
struct LogLine {
    Priority priority;
    std::string_view message;
    const LogFields& fields;
};

class Log {
public:
    using Sink = std::function<void(const LogLine&)>;

    // Lines less important than `level` are dropped.
    explicit Log(Sink sink, Priority level = Priority::info);

    // Of this log and all its copies. May be used by several threads.
    Priority level() const { return *level_; }
    void set_level(Priority level) const { *level_ = level; }

    void error(std::string_view message, const LogFields& fields = {}) const;
    void warning(std::string_view message, const LogFields& fields = {}) const;
    void notice(std::string_view message, const LogFields& fields = {}) const;
    void info(std::string_view message, const LogFields& fields = {}) const;
    void debug(std::string_view message, const LogFields& fields = {}) const;
    void write(Priority priority, std::string_view message, const LogFields& fields = {}) const;

private:
    Sink sink_;
    std::shared_ptr<std::atomic<Priority>> level_;
};

// To the journal where standard error leads there (JOURNAL_STREAM), otherwise as readable lines to standard
// error. Repeats are written now and then only.
Log system_log(std::string program, Priority level = Priority::info);

// True if the descriptor is the stream that `journal_stream` ("device:inode") names.
bool is_journal_stream(int fd, const char* journal_stream);

// "2026-01-31T12:00:00.123Z mutuald[42] warning: message service=ledger peer=alice@MUTUAL.TEST": one line,
// escaped.
std::string readable_line(const LogLine& line, std::string_view program, pid_t pid,
                          std::chrono::system_clock::time_point now);
// "MESSAGE=...", "PRIORITY=4", "MUTUALD_SERVICE=ledger", ...: what goes to the journal.
std::vector<std::string> journal_entries(const LogLine& line, std::string_view program);

}  // namespace mutual::unit
