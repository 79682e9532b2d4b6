// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/launcher/spawn.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>

#include "daemon/unit/null_terminated.h"

namespace mutual::launcher {
namespace {

constexpr int first_socket = 3;  // SD_LISTEN_FDS_START
constexpr std::uint64_t changing_users = (1ULL << CAP_SETUID) | (1ULL << CAP_SETGID);

// What a program may see of our environment.
constexpr std::array inherited{"PATH",         "LANG",          "TZ",           "KRB5_CONFIG",
                               "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"};

[[noreturn]] void give_up(const ProgramPlan& program, const char* what) {
    std::fprintf(stderr, "start %s: %s: %s\n", program.name.c_str(), what, std::strerror(errno));
    ::_exit(127);
}

// All three sets at once; they lie within 32 bits.
bool set_capabilities(std::uint64_t wanted) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const auto low = static_cast<__u32>(wanted);
    std::array<__user_cap_data_struct, 2> data{{{low, low, low}, {0, 0, 0}}};
    return ::syscall(SYS_capset, &header, data.data()) == 0;
}

bool bound_capabilities(std::uint64_t wanted) {
    for (unsigned long each = 0; ::prctl(PR_CAPBSET_READ, each, 0, 0, 0) >= 0; ++each)
        if ((wanted >> each & 1) == 0 && ::prctl(PR_CAPBSET_DROP, each, 0, 0, 0) != 0) return false;
    return true;
}

bool raise_ambient(std::uint64_t wanted) {
    for (unsigned long each = 0; each < 64; ++each)
        if ((wanted >> each & 1) != 0 && ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, each, 0, 0) != 0)
            return false;
    return true;
}

void become(const ProgramPlan& program) {
    const unit::Account& account = program.account;
    const std::uint64_t kept = program.may_change_users ? changing_users : 0;
    if (!bound_capabilities(kept)) give_up(program, "drop capabilities from the bounding set");
    if (::prctl(PR_SET_KEEPCAPS, kept != 0 ? 1 : 0, 0, 0, 0) != 0) give_up(program, "keep capabilities");
    if (::initgroups(account.name.c_str(), account.gid) != 0) give_up(program, "set its groups");
    if (::setresgid(account.gid, account.gid, account.gid) != 0) give_up(program, "set its group");
    if (::setresuid(account.uid, account.uid, account.uid) != 0) give_up(program, "set its user");
    if (!set_capabilities(kept) || !raise_ambient(kept)) give_up(program, "set its capabilities");
}

// A change of user clears this, so it comes after; a parent that died before is noticed by its number.
void die_with(pid_t parent, const ProgramPlan& program) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) give_up(program, "tie it to the launcher");
    if (::getppid() != parent) ::_exit(127);
}

// Out of the way first: a socket may have a number that another one is to get.
void place_descriptors(const ProgramPlan& program, std::vector<int> sockets) {
    const int end = first_socket + static_cast<int>(sockets.size());
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || ::dup2(null, STDIN_FILENO) < 0) give_up(program, "open /dev/null");
    for (int& socket : sockets)
        if ((socket = ::fcntl(socket, F_DUPFD_CLOEXEC, end)) < 0) give_up(program, "copy its sockets");
    for (std::size_t i = 0; i < sockets.size(); ++i)
        if (::dup2(sockets[i], first_socket + static_cast<int>(i)) < 0) give_up(program, "pass its sockets");
    if (::close_range(static_cast<unsigned>(end), ~0U, 0) != 0) give_up(program, "close other descriptors");
}

std::vector<std::string> environment(const ProgramPlan& program) {
    std::vector<std::string> variables;
    for (const char* name : inherited)
        if (const char* value = std::getenv(name)) variables.push_back(std::string(name) + "=" + value);
    std::string names;
    for (const SocketPlan& socket : program.sockets)
        names.append(names.empty() ? "" : ":").append(socket.name);
    variables.push_back("LISTEN_PID=" + std::to_string(::getpid()));
    variables.push_back("LISTEN_FDS=" + std::to_string(program.sockets.size()));
    variables.push_back("LISTEN_FDNAMES=" + names);
    return variables;
}

void reset_signals() {
    for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGCHLD, SIGPIPE}) ::signal(signal, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void run(const ProgramPlan& program, std::vector<int> sockets, pid_t parent) {
    ::setpgid(0, 0);  // a terminal's Ctrl-C is for the launcher, which stops them in order
    place_descriptors(program, std::move(sockets));
    if (::geteuid() == 0) become(program);
    die_with(parent, program);
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) give_up(program, "forbid new privileges");
    if (::chdir("/") != 0) give_up(program, "change to /");
    ::umask(0077);
    reset_signals();
    std::vector<std::string> command = program.command;
    std::vector<std::string> variables = environment(program);
    ::execve(command[0].c_str(), unit::null_terminated(command).data(),
             unit::null_terminated(variables).data());
    give_up(program, command[0].c_str());
}

}  // namespace

Result<pid_t> spawn(const ProgramPlan& program, const std::vector<int>& sockets) {
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child == 0) run(program, sockets, parent);
    if (child < 0)
        return Error{Code::unavailable, Stage::request,
                     "start " + program.name + ": " + std::generic_category().message(errno)};
    return child;
}

}  // namespace mutual::launcher
