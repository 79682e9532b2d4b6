// SPDX-License-Identifier: Apache-2.0
#include "client/mutualctl/program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

#include "client/command.h"
#include "varlink/unique_fd.h"

namespace mutual::ctl {

namespace {

// A file in memory that holds `text`, read from its beginning.
UniqueFd file_with(const std::string& text) {
    UniqueFd file(::memfd_create("test", MFD_CLOEXEC));
    if (!file || ::write(file.value(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        throw std::runtime_error("memfd");
    ::lseek(file.value(), 0, SEEK_SET);
    return file;
}

std::string content(const UniqueFd& file) {
    std::string text;
    std::array<char, 4096> buffer{};
    ::lseek(file.value(), 0, SEEK_SET);
    for (;;) {
        const ssize_t count = ::read(file.value(), buffer.data(), buffer.size());
        if (count <= 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(count));
    }
}

}  // namespace

Ended run(const Run& run) {
    const UniqueFd input = file_with(run.input);
    const UniqueFd output = file_with({});
    const UniqueFd error = file_with({});
    auto words = run.words;
    auto environment = run.environment;
    environment.push_back(std::string("PATH=") + std::getenv("PATH"));
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, input.value(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, output.value(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, error.value(), STDERR_FILENO);
    pid_t child = -1;
    const int failed =
        ::posix_spawn(&child, words.front().c_str(), &actions, nullptr, client::null_terminated(words).data(),
                      client::null_terminated(environment).data());
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) throw std::runtime_error("spawn " + words.front());
    int status = 0;
    if (::waitpid(child, &status, 0) != child) throw std::runtime_error("waitpid");
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), content(output),
            content(error)};
}

}  // namespace mutual::ctl
