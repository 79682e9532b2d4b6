// SPDX-License-Identifier: Apache-2.0
#include "daemon/unit/notify.h"

#include <systemd/sd-daemon.h>
#include <time.h>

#include <cstdint>
#include <string>

#include "daemon/unit/text.h"

namespace mutual::unit {
namespace {

void tell(const std::string& state) { ::sd_notify(0, state.c_str()); }

std::string status_line(std::string_view status) { return "STATUS=" + one_line(status, 1024); }

std::uint64_t monotonic_microseconds() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec) / 1'000;
}

}  // namespace

void notify_ready(std::string_view status) { tell("READY=1\n" + status_line(status)); }
void notify_status(std::string_view status) { tell(status_line(status)); }
void notify_reloading() { tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_microseconds())); }
void notify_stopping() { tell("STOPPING=1"); }
void notify_alive() { tell("WATCHDOG=1"); }

std::optional<std::chrono::microseconds> watchdog_interval() {
    std::uint64_t microseconds = 0;
    if (::sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
    return std::chrono::microseconds(microseconds / 2);
}

}  // namespace mutual::unit
