// SPDX-License-Identifier: Apache-2.0
#include "client/command.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>

namespace mutual::client {

namespace {

constexpr int channel_fd = 3;
constexpr int forwarded[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

// NAME=VALUE lines: ours, with the added ones in place of ours of the same name.
std::vector<std::string> environment_of(const Command& command) {
    std::map<std::string, std::string> all;
    for (char** entry = ::environ; *entry != nullptr; ++entry) {
        const std::string line(*entry);
        all[line.substr(0, line.find('='))] = line;
    }
    for (const auto& [name, value] : command.environment)
        all[name] = std::string(name).append("=").append(value);
    std::vector<std::string> lines;
    lines.reserve(all.size());
    for (auto& [name, line] : all) lines.push_back(std::move(line));
    return lines;
}

void place_channel(int channel, bool also_stdio) {
    if (channel == channel_fd)
        ::fcntl(channel, F_SETFD, 0);
    else
        ::dup2(channel, channel_fd);
    if (!also_stdio) return;
    ::dup2(channel_fd, STDIN_FILENO);
    ::dup2(channel_fd, STDOUT_FILENO);
}

[[noreturn]] void cannot_run(const char* name) {
    const int number = errno;
    ::dprintf(STDERR_FILENO, "mutualctl: cannot run '%s': %s\n", name, ::strerrordesc_np(number));
    ::_exit(number == ENOENT ? 127 : 126);
}

sigset_t signals_to_wait_for() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    for (const int number : forwarded) sigaddset(&set, number);
    return set;
}

}  // namespace

std::vector<char*> null_terminated(std::vector<std::string>& strings) {
    std::vector<char*> pointers;
    pointers.reserve(strings.size() + 1);
    for (auto& string : strings) pointers.push_back(string.data());
    pointers.push_back(nullptr);
    return pointers;
}

Result<pid_t> start(const Command& command, int channel) {
    auto words = command.words;
    auto environment = environment_of(command);
    const auto arguments = null_terminated(words);
    const auto variables = null_terminated(environment);
    const pid_t child = ::fork();
    if (child < 0) return Error(Code::limit, Stage::channel, std::string("fork: ") + std::strerror(errno));
    if (child > 0) return child;
    ::signal(SIGPIPE, SIG_DFL);
    if (command.blocked_signals) ::sigprocmask(SIG_SETMASK, &*command.blocked_signals, nullptr);
    place_channel(channel, command.channel_is_stdio);
    ::execvpe(arguments.front(), arguments.data(), variables.data());
    cannot_run(arguments.front());
}

int wait_for(pid_t command) {
    const sigset_t waited = signals_to_wait_for();
    sigset_t before;
    ::sigprocmask(SIG_BLOCK, &waited, &before);
    int status = 0;
    pid_t ended = 0;
    while ((ended = ::waitpid(command, &status, WNOHANG)) == 0) {
        siginfo_t info{};
        const int number = ::sigwaitinfo(&waited, &info);
        // What the terminal sends, the kernel sends to the command as well.
        if (number > 0 && number != SIGCHLD && info.si_code <= 0) ::kill(command, number);
    }
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    if (ended < 0) return EXIT_FAILURE;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace mutual::client
