// SPDX-License-Identifier: Apache-2.0
// mutualctl: opens, accepts and shows channels by asking the broker.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <string>

#include "client/mutualctl/exit_status.h"
#include "client/mutualctl/output.h"
#include "client/mutualctl/verbs.h"

namespace {

using namespace mutual::ctl;

// Whatever started us: three descriptors that lead somewhere, write errors instead of SIGPIPE, children to
// wait for.
void settle() {
    int fd = 0;
    do fd = ::open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) ::close(fd);
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGCHLD, SIG_DFL);
}

int run(const Options& options) {
    switch (options.verb) {
        case Verb::open:
            return open_channel(options);
        case Verb::accept:
            return accept_channel(options);
        case Verb::plan:
            return plan(options);
        case Verb::find:
            return find(options);
        case Verb::whois:
            return whois(options);
        case Verb::list_channels:
            return list_channels(options);
        case Verb::close_channel:
            return close_channel(options);
        case Verb::list_services:
            return list_services(options);
        case Verb::list_credentials:
            return list_credentials(options);
        case Verb::list_plugins:
            return list_plugins(options);
        case Verb::explain:
            return explain(options);
        case Verb::list_requests:
            return list_requests(options);
        case Verb::monitor:
            return monitor(options);
        case Verb::metrics:
            return metrics(options);
        case Verb::short_status:
        case Verb::status:
            return status(options);
        case Verb::check_config:
            return check_config(options);
        case Verb::cat_config:
            return cat_config(options);
        case Verb::reload:
            return reload(options);
        case Verb::log_level:
            return log_level(options);
        case Verb::call:
            return call(options);
        case Verb::introspect:
            return introspect(options);
    }
    return exit_usage;
}

}  // namespace

int main(int argc, char** argv) {
    settle();
    try {
        const CommandLine line =
            parse_command_line({argv + std::min(argc, 1), argv + argc}, std::getenv("KRB5CCNAME"));
        complain(line.complaint);
        if (!line.exit) return run(line.options);
        const int printed = print(line.output);
        return printed == exit_ok ? *line.exit : printed;
    } catch (const std::exception& defect) {
        complain(std::string("mutualctl: a defect of mutualctl: ") + defect.what() + "\n");
        return exit_failed;
    }
}
