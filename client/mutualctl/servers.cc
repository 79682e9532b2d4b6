// SPDX-License-Identifier: Apache-2.0
#include "client/mutualctl/servers.h"

#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "client/mutualctl/channel_use.h"
#include "client/mutualctl/exit_status.h"
#include "client/mutualctl/output.h"

namespace mutual::ctl {

namespace {

constexpr int ending[] = {SIGTERM, SIGINT, SIGHUP};

}  // namespace

Servers::Servers(const Options& options) : options_(options) {
    sigemptyset(&watched_);
    sigaddset(&watched_, SIGCHLD);
    for (const int signal : ending) sigaddset(&watched_, signal);
    ::pthread_sigmask(SIG_BLOCK, &watched_, &before_);
    std::thread([this] { watch(); }).detach();
}

void Servers::watch() {
    for (;;) {
        const int signal = ::sigwaitinfo(&watched_, nullptr);
        const std::lock_guard lock(mutex_);
        if (signal > 0 && signal != SIGCHLD) stop(signal);
        collect();
        if (stopping_ && running_.empty()) ::_exit(exit_ok);
    }
}

void Servers::stop(int signal) {
    stopping_ = true;
    if (signal == SIGHUP) return;
    for (const pid_t command : running_) ::kill(command, signal);
}

void Servers::collect() {
    int status = 0;
    for (pid_t command = 0; (command = ::waitpid(-1, &status, WNOHANG)) > 0;) {
        running_.erase(command);
        const bool is_fine = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (!is_fine && !options_.quiet)
            complain("mutualctl: command " + std::to_string(command) + " ended with status " +
                     std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)) + "\n");
    }
    ended_.notify_all();
}

void Servers::wait_for_room() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return !stopping_ && running_.size() < options_.parallel; });
}

void Servers::wait_for_all() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return !stopping_ && running_.empty(); });
}

void Servers::start(client::OpenChannel channel) {
    const std::lock_guard lock(mutex_);  // whoever stops them sees this one, or it is not started
    if (stopping_) return;
    auto command = command_for(options_, channel);
    command.blocked_signals = before_;
    auto started = client::start(command, channel.fd.value());
    if (started)
        running_.insert(*started);
    else
        fail(options_, "run '" + options_.command.front() + "'", started.error(), exit_failed, Stream::error);
}

}  // namespace mutual::ctl
