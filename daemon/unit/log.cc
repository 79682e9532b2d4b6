// SPDX-License-Identifier: Apache-2.0
#include "daemon/unit/log.h"

#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "daemon/unit/decision_kind.h"
#include "daemon/unit/repeats.h"
#include "daemon/unit/text.h"

namespace mutual::unit {
namespace {

constexpr std::size_t longest_message = 4096;
constexpr std::size_t longest_value = 1024;

constexpr std::array<std::string_view, 10> field_names{
    "request", "channel", "caller_uid", "caller_unit", "service", "spn", "peer", "stage", "decision", "rule"};

std::string timestamp(std::chrono::system_clock::time_point now) {
    const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch()).count();
    const std::time_t seconds = milliseconds / 1000;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 80> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                  parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                  static_cast<int>(milliseconds % 1000));
    return text.data();
}

bool is_plain(std::string_view value) {
    return !value.empty() && value.size() <= longest_value &&
           std::all_of(value.begin(), value.end(),
                       [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; });
}

std::string capitals(std::string_view text) {
    std::string out{text};
    for (char& c : out)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return out;
}

void to_standard_error(const LogLine& line, std::string_view program) {
    std::string text = readable_line(line, program, ::getpid(), std::chrono::system_clock::now());
    text.push_back('\n');
    // One call, so that lines of several programs do not mix; nobody is left to tell when it fails.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

void to_journal(const LogLine& line, std::string_view program) {
    std::vector<std::string> entries = journal_entries(line, program);
    std::vector<iovec> vectors;
    vectors.reserve(entries.size());
    for (std::string& entry : entries) vectors.push_back({entry.data(), entry.size()});
    if (::sd_journal_sendv(vectors.data(), static_cast<int>(vectors.size())) < 0)
        to_standard_error(line, program);
}

}  // namespace

std::string_view name(Field field) { return field_names.at(static_cast<std::size_t>(field)); }

std::string_view name(Priority priority) {
    switch (priority) {
        case Priority::error:
            return "error";
        case Priority::warning:
            return "warning";
        case Priority::notice:
            return "notice";
        case Priority::info:
            return "info";
        case Priority::debug:
            return "debug";
    }
    return "info";
}

Log::Log(Sink sink, Priority level)
    : sink_(std::move(sink)), level_(std::make_shared<std::atomic<Priority>>(level)) {}

void Log::write(Priority priority, std::string_view message, const LogFields& fields) const {
    if (priority <= level()) sink_({priority, message, fields});
}
void Log::error(std::string_view message, const LogFields& fields) const {
    write(Priority::error, message, fields);
}
void Log::warning(std::string_view message, const LogFields& fields) const {
    write(Priority::warning, message, fields);
}
void Log::notice(std::string_view message, const LogFields& fields) const {
    write(Priority::notice, message, fields);
}
void Log::info(std::string_view message, const LogFields& fields) const {
    write(Priority::info, message, fields);
}
void Log::debug(std::string_view message, const LogFields& fields) const {
    write(Priority::debug, message, fields);
}

Log system_log(std::string program, Priority level) {
    const bool journal = is_journal_stream(STDERR_FILENO, std::getenv("JOURNAL_STREAM"));
    auto write = journal ? to_journal : to_standard_error;
    auto sink = [program = std::move(program), write,
                 repeats = std::make_shared<Repeats>()](const LogLine& line) {
        const std::optional<std::string> remark = repeats->remark(line, Repeats::Clock::now());
        if (!remark) return;
        if (remark->empty()) return write(line, program);
        const std::string message = std::string(line.message) + *remark;
        write({line.priority, message, line.fields}, program);
    };
    return Log(std::move(sink), level);
}

bool is_journal_stream(int fd, const char* journal_stream) {
    struct stat status {};
    if (journal_stream == nullptr || ::fstat(fd, &status) != 0) return false;
    return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == journal_stream;
}

std::string readable_line(const LogLine& line, std::string_view program, pid_t pid,
                          std::chrono::system_clock::time_point now) {
    std::string text = timestamp(now);
    text.append(" ").append(program).append("[").append(std::to_string(pid)).append("] ");
    text.append(name(line.priority)).append(": ").append(one_line(line.message, longest_message));
    for (const LogField& field : line.fields) {
        text.append(" ").append(name(field.field)).append("=");
        text.append(is_plain(field.value) ? field.value : shown(field.value, longest_value));
    }
    return text;
}

std::vector<std::string> journal_entries(const LogLine& line, std::string_view program) {
    std::vector<std::string> entries;
    entries.push_back("MESSAGE=" + one_line(line.message, longest_message));
    entries.push_back("PRIORITY=" + std::to_string(static_cast<int>(line.priority)));
    entries.push_back("SYSLOG_IDENTIFIER=" + std::string(program));
    if (const DecisionKind* kind = kind_of(line.fields); kind != nullptr)
        entries.push_back("MESSAGE_ID=" + std::string(kind->id));
    for (const LogField& field : line.fields)
        entries.push_back("MUTUALD_" + capitals(name(field.field)) + "=" +
                          one_line(field.value, longest_value));
    return entries;
}

}  // namespace mutual::unit
