// SPDX-License-Identifier: Apache-2.0
// The commands that `mutualctl accept` has started, one for each channel. A thread collects each at
// its end, and ends the whole in order: SIGTERM and SIGINT are passed on to the commands, SIGHUP leaves them
// alone; no further channel is accepted, and when the last command has ended, so does the program, with
// success.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <set>

#include "client/broker_types.h"
#include "client/mutualctl/options.h"

namespace mutual::ctl {

// One for the whole life of the process: its thread is never joined.
class Servers {
public:
    explicit Servers(const Options& options);
    Servers(const Servers&) = delete;
    Servers& operator=(const Servers&) = delete;

    // Waits until fewer commands run than may.
    void wait_for_room();
    // Waits until each has ended.
    void wait_for_all();
    // That it cannot be started is told, and ends the channel.
    void start(client::OpenChannel channel);

private:
    [[noreturn]] void watch();
    void collect();
    void stop(int signal);

    const Options& options_;
    sigset_t watched_{};
    sigset_t before_{};  // what commands are started with
    std::mutex mutex_;
    std::condition_variable ended_;
    std::set<pid_t> running_;
    bool stopping_ = false;
};

}  // namespace mutual::ctl
