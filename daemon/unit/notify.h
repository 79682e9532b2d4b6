// SPDX-License-Identifier: Apache-2.0
// What the service manager is told (sd_notify(3)). Without one (NOTIFY_SOCKET unset) these do nothing.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace mutual::unit {

void notify_ready(std::string_view status);
void notify_status(std::string_view status);
// Followed by notify_ready when the new configuration is in force, or was refused.
void notify_reloading();
void notify_stopping();
void notify_alive();

// How often the service manager wants notify_alive(), halved; nullopt: never.
std::optional<std::chrono::microseconds> watchdog_interval();

}  // namespace mutual::unit
