// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>

#include "daemon/keys/fetcher_program.h"
#include "daemon/unit/null_terminated.h"
#include "daemon/unit/signals.h"
#include "varlink/message.h"

namespace mutual::keys {

namespace {

namespace asio = boost::asio;

constexpr int above_standard = 10;  // so that arranging 0 to 3 in the child overwrites nothing

// Debian 12's <sys/pidfd.h> cannot be used from C++. Close-on-exec.
int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

Error failed(const std::string& doing) {
    return Error(Code::unavailable, Stage::credentials, doing + ": " + std::strerror(errno));
}

Result<UniqueFd> open_high(const char* path, int flags) {
    const UniqueFd low(::open(path, flags | O_CLOEXEC));
    if (!low) return failed(std::string("open ") + path);
    UniqueFd high(::fcntl(low.value(), F_DUPFD_CLOEXEC, above_standard));
    if (!high) return failed(std::string("open ") + path);
    return high;
}

// All that the child uses after fork; made before it, for the child must not allocate.
struct Preparation {
    std::vector<char*> arguments;
    std::vector<char*> environment;
    std::map<BecomeFailure, std::string> complaints;
    Owner owner;
    int executable = -1, null = -1, socket = -1;
};

std::map<BecomeFailure, std::string> complaints_of(std::string_view interface, uid_t uid) {
    std::map<BecomeFailure, std::string> complaints;
    for (int i = static_cast<int>(BecomeFailure::groups); i <= static_cast<int>(BecomeFailure::execute);
         ++i) {
        const auto failure = static_cast<BecomeFailure>(i);
        const Error error(
            Code::unavailable, Stage::credentials,
            "start a fetcher as uid " + std::to_string(uid) + ": " + to_text(failure) + " failed");
        complaints[failure] = varlink::to_text(varlink::failure(interface, error)) + '\0';
    }
    return complaints;
}

[[noreturn]] void give_up(const Preparation& prepared, BecomeFailure failure) {
    const std::string& text = prepared.complaints.at(failure);
    [[maybe_unused]] const ssize_t ignored = ::write(fetcher_socket, text.data(), text.size());
    ::_exit(static_cast<int>(failure));
}

// Signals are blocked here until no handler of the parent's is left, and this is the owner's process.
[[noreturn]] void run_child(const Preparation& prepared) {
    unit::reset_signal_handlers();
    for (int fd = 0; fd < fetcher_socket; ++fd) ::dup2(prepared.null, fd);
    ::dup2(prepared.socket, fetcher_socket);
    ::close_range(fetcher_socket + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    ::umask(077);
    if (::chdir("/") != 0) give_up(prepared, BecomeFailure::execute);
    if (const BecomeFailure failure = become(prepared.owner); failure != BecomeFailure::none)
        give_up(prepared, failure);
    unit::unblock_signals();
    ::syscall(SYS_execveat, prepared.executable, "", prepared.arguments.data(), prepared.environment.data(),
              AT_EMPTY_PATH);
    give_up(prepared, BecomeFailure::execute);
}

}  // namespace

Result<ChildImage> ChildImage::of_this_program() {
    ChildImage image;
    auto executable = open_high("/proc/self/exe", O_PATH);
    if (!executable) return std::move(executable).error();
    auto null = open_high("/dev/null", O_RDWR);
    if (!null) return std::move(null).error();
    image.executable_ = std::move(*executable);
    image.null_ = std::move(*null);
    return image;
}

Result<ChildImage::Started> ChildImage::start(Owner owner, const std::vector<std::string>& arguments,
                                              UniqueFd socket, std::string_view interface) const {
    std::vector<std::string> argument_texts{"mutuald-keys", "--fetcher"};
    argument_texts.insert(argument_texts.end(), arguments.begin(), arguments.end());
    std::vector<std::string> environment_texts;
    if (const char* configuration = std::getenv("KRB5_CONFIG"))
        environment_texts.push_back(std::string("KRB5_CONFIG=") + configuration);
    const UniqueFd high(::fcntl(socket.value(), F_DUPFD_CLOEXEC, above_standard));
    if (!high) return failed("start a fetcher");
    const Preparation prepared{unit::null_terminated(argument_texts),
                               unit::null_terminated(environment_texts),
                               complaints_of(interface, owner.uid),
                               owner,
                               executable_.value(),
                               null_.value(),
                               high.value()};
    Started started;
    {
        const unit::SignalsBlocked blocked;
        started.pid = ::fork();
        if (started.pid == 0) run_child(prepared);
    }
    if (started.pid < 0) return failed("start a fetcher");
    started.pidfd = UniqueFd(open_pidfd(started.pid));
    if (!started.pidfd) {
        Error error = failed("watch a fetcher");
        ::kill(started.pid, SIGKILL);
        return error;
    }
    return started;
}

bool kill_as(asio::io_context& loop, uid_t uid, int pidfd) {
    pid_t sibling = -1;
    {
        const unit::SignalsBlocked blocked;
        sibling = ::fork();
        if (sibling == 0) {
            [[maybe_unused]] const long ignored = ::syscall(SYS_setresuid, -1, uid, -1);
            ::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0);
            ::_exit(0);
        }
    }
    if (sibling < 0) return false;
    UniqueFd watch(open_pidfd(sibling));
    // While the program itself ends, there is no loop to wait on, and init reaps.
    if (watch && !loop.stopped()) collect(loop, sibling, std::move(watch), [](int) {});
    return true;
}

namespace {

void collect(const std::shared_ptr<asio::posix::stream_descriptor>& watch, pid_t pid,
             std::function<void(int)> ended) {
    watch->async_wait(asio::posix::stream_descriptor::wait_read,
                      [watch, pid, ended = std::move(ended)](const boost::system::error_code& error) mutable {
                          if (error) return;
                          int status = 0;
                          const pid_t collected = ::waitpid(pid, &status, WNOHANG);
                          if (collected == pid)
                              ended(status);
                          else if (collected == 0)  // the wait's end was none: see varlink/readiness.h
                              collect(watch, pid, std::move(ended));
                      });
}

}  // namespace

void collect(asio::io_context& loop, pid_t pid, UniqueFd pidfd, std::function<void(int)> ended) {
    collect(std::make_shared<asio::posix::stream_descriptor>(loop, pidfd.release()), pid, std::move(ended));
}

}  // namespace mutual::keys
