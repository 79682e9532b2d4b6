// SPDX-License-Identifier: Apache-2.0
// check-config and cat-config: done by the daemon's program, so that there is one reader of the
// configuration.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "client/command.h"
#include "client/mutualctl/exit_status.h"
#include "client/mutualctl/output.h"
#include "client/mutualctl/verbs.h"

namespace mutual::ctl {

namespace {

// The daemon of this build or installation, else the one of the configured prefix.
std::string daemon_path() {
    std::error_code problem;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", problem).parent_path();
    for (const auto& path : {self / "mutuald", self.parent_path() / "sbin" / "mutuald"})
        if (!problem && ::access(path.c_str(), X_OK) == 0) return path;
    return MUTUAL_SBINDIR "/mutuald";
}

// Becomes the daemon's program, which reads the configuration itself.
int run_daemon(const Options& options, std::vector<std::string> words, const std::string& what_for) {
    words.insert(words.begin(), daemon_path());
    for (const auto& path : options.paths) words.insert(words.end(), {"--config", path});
    const std::vector<char*> arguments = client::null_terminated(words);
    ::execv(arguments.front(), arguments.data());
    const Error error(Code::unavailable, Stage::request, "run " + words.front() + ": " + std::strerror(errno),
                      "is mutuald installed?");
    return fail(options, what_for, error, exit_failed);
}

}  // namespace

int check_config(const Options& options) {
    return run_daemon(options, {"--check-config"}, "check the configuration");
}

int cat_config(const Options& options) {
    std::vector<std::string> words{"--cat-config"};
    if (options.json) words.emplace_back("--json");
    return run_daemon(options, std::move(words), "show the configuration");
}

}  // namespace mutual::ctl
