// SPDX-License-Identifier: Apache-2.0
// A program for the launcher's tests: fake_program REPORT NAME BEHAVIOUR. Writes one line about itself to
// REPORT, then behaves: `stay` until SIGTERM, which it reports; `stubborn`: not even then; a number: ends
// with that status.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

namespace {

std::string status_of_self(const char* key) {
    std::ifstream file("/proc/self/status");
    std::string line;
    while (std::getline(file, line))
        if (line.rfind(key, 0) == 0) return line.substr(line.find_last_of(" \t") + 1);
    return "?";
}

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

int open_descriptors() {
    int count = 0;
    for (int fd = 3; fd < 256; ++fd)
        if (::fcntl(fd, F_GETFD) >= 0) ++count;
    return count;
}

void report(const char* file, const std::string& line) {
    const int fd = ::open(file, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || ::write(fd, line.data(), line.size()) < 0) ::_exit(99);
    ::close(fd);
}

}  // namespace

int main(int, char** argv) {
    sigset_t term;
    ::sigemptyset(&term);
    ::sigaddset(&term, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &term, nullptr);
    const int descriptors = open_descriptors();
    const bool addressed = variable("LISTEN_PID") == std::to_string(::getpid());
    report(argv[1], std::string(argv[2]) + " pid=" + std::to_string(::getpid()) +
                        " uid=" + std::to_string(::getuid()) + " fds=" + variable("LISTEN_FDS") + "/" +
                        std::to_string(descriptors) + " names=" + variable("LISTEN_FDNAMES") +
                        (addressed ? " addressed" : "") + " secret=" + variable("LAUNCHER_TEST_SECRET") +
                        " effective=" + status_of_self("CapEff") + " ambient=" + status_of_self("CapAmb") +
                        " bounding=" + status_of_self("CapBnd") + " nnp=" + status_of_self("NoNewPrivs") +
                        "\n");
    if (std::strcmp(argv[3], "stubborn") == 0)
        while (true) ::pause();
    if (std::strcmp(argv[3], "stay") != 0) return std::atoi(argv[3]);
    int signal = 0;
    ::sigwait(&term, &signal);
    report(argv[1], std::string(argv[2]) + " stopped\n");
    return 0;
}
