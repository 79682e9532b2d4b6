// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "daemon/unit/null_terminated.h"
#include "daemon/unit/signals.h"
#include "varlink/readiness.h"
#include "varlink/socket.h"

namespace mutual::plugin {
namespace {

constexpr int child_socket = 3;

// glibc 2.36 declares its own wrappers without C linkage.
int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }
void kill_by_pidfd(int pidfd) { ::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0); }

Error failed(const std::string& what) {
    return {Code::unavailable, Stage::discovery, what + ": " + std::strerror(errno)};
}

// Nothing of ours but where Kerberos is configured. LDAPNOINIT: libldap reads no file and no variable of its
// own.
std::vector<std::string> clean_environment() {
    std::vector<std::string> environment{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
                                         "LDAPNOINIT=1"};
    for (const char* name : {"KRB5_CONFIG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"})
        if (const char* value = std::getenv(name)) environment.push_back(std::string(name) + "=" + value);
    return environment;
}

// Between fork and exec: async-signal-safe calls only.
[[noreturn]] void become_child(int socket, pid_t parent, char* const* arguments, char* const* environment) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(126);
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, STDIN_FILENO);
    ::dup2(null, STDOUT_FILENO);
    if (socket == child_socket)
        ::fcntl(socket, F_SETFD, 0);
    else
        ::dup2(socket, child_socket);
    ::close_range(child_socket + 1, UINT_MAX, 0);
    unit::reset_signal_handlers();
    unit::unblock_signals();
    ::execve("/proc/self/exe", arguments, environment);
    ::_exit(127);
}

std::string describe(const siginfo_t& end) {
    // By us, if it closed its end and lived on; or by somebody else, or the kernel for lack of memory.
    if (end.si_code == CLD_KILLED && end.si_status == SIGKILL) return "closed its connection or was killed";
    if (end.si_code == CLD_EXITED) return "ended with status " + std::to_string(end.si_status);
    return "was killed by signal " + std::to_string(end.si_status) + " (" + ::strsignal(end.si_status) + ")";
}

std::string reap(int pidfd) {
    siginfo_t end{};
    if (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &end, WEXITED | WNOHANG) != 0 || end.si_pid == 0)
        return "has ended";
    return describe(end);
}

asio::awaitable<void> reap_when_ended(asio::posix::stream_descriptor pidfd) {
    co_await varlink::until_ready(pidfd, asio::posix::stream_descriptor::wait_read);
    reap(pidfd.native_handle());
}

// A child that could not be reaped stays a zombie until we end: nothing to be done about it.
void ignore_failure(std::exception_ptr) {}

}  // namespace

Process::Process(asio::io_context& loop, pid_t pid, UniqueFd pidfd)
    : loop_(loop), pid_(pid), pidfd_(loop, pidfd.release()) {}

Result<std::unique_ptr<Process>> Process::start(asio::io_context& loop, const std::string& label,
                                                UniqueFd& socket) {
    auto pair = varlink::socket_pair();
    if (!pair) return pair.error();
    std::vector<std::string> argument_texts{"mutuald-plugin", "--child", label};
    auto environment_texts = clean_environment();
    const auto arguments = unit::null_terminated(argument_texts);
    const auto environment = unit::null_terminated(environment_texts);
    const pid_t parent = ::getpid();
    pid_t pid = -1;
    {
        const unit::SignalsBlocked blocked;
        pid = ::fork();
        if (pid == 0) become_child(pair->second.value(), parent, arguments.data(), environment.data());
    }
    if (pid < 0) return failed("start a finder");
    UniqueFd pidfd(open_pidfd(pid));
    if (!pidfd) {
        auto error = failed("watch a finder");
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        return error;
    }
    socket = std::move(pair->first);
    return std::unique_ptr<Process>(new Process(loop, pid, std::move(pidfd)));
}

Process::~Process() {
    if (!pidfd_.is_open()) return;
    kill();
    // While the program itself ends, there is no loop to wait on, and init reaps.
    if (!loop_.stopped()) asio::co_spawn(loop_, reap_when_ended(std::move(pidfd_)), ignore_failure);
}

bool Process::has_ended() const {
    siginfo_t end{};
    const auto pidfd = static_cast<id_t>(const_cast<Process*>(this)->pidfd_.native_handle());
    return ::waitid(P_PIDFD, pidfd, &end, WEXITED | WNOHANG | WNOWAIT) != 0 || end.si_pid != 0;
}

void Process::kill() { kill_by_pidfd(pidfd_.native_handle()); }

asio::awaitable<std::string> Process::ended() {
    co_await varlink::until_ready(pidfd_, asio::posix::stream_descriptor::wait_read);
    auto how = reap(pidfd_.native_handle());
    pidfd_.close();
    co_return how;
}

}  // namespace mutual::plugin
