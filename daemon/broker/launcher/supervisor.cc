// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/launcher/supervisor.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "daemon/broker/launcher/spawn.h"
#include "daemon/unit/notify.h"
#include "varlink/socket.h"

namespace mutual::launcher {
namespace {

Error failed(const std::string& what) {
    return {Code::unavailable, Stage::request, what + ": " + std::generic_category().message(errno)};
}

std::string how_it_ended(int status) {
    if (WIFSIGNALED(status)) return "was killed by signal " + std::to_string(WTERMSIG(status));
    return "ended with status " + std::to_string(WEXITSTATUS(status));
}

bool give_to(const std::string& path, const unit::Account& owner) {
    return ::geteuid() != 0 || ::chown(path.c_str(), owner.uid, owner.gid) == 0;
}

}  // namespace

Supervisor::Supervisor(Plan plan, unit::Log log, Patience patience)
    : plan_(std::move(plan)), log_(std::move(log)), patience_(patience) {
    ::sigemptyset(&signals_);
    for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&signals_, signal);
    ::sigprocmask(SIG_BLOCK, &signals_, &mask_before_);
    for (const ProgramPlan& program : plan_.programs) programs_.emplace_back().plan = &program;
}

Supervisor::~Supervisor() {
    stop_all();
    for (const Program& program : programs_)
        for (std::size_t i = 0; i < program.sockets.size(); ++i)
            ::unlink(program.plan->sockets[i].path.c_str());
    ::sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
}

Result<void> Supervisor::prepare() {
    for (const FolderPlan& folder : plan_.folders)
        if (auto made = make_folder(folder); !made) return made;
    if (!plan_.folders.empty()) {
        const std::string& path = plan_.folders.front().path;
        lock_ = UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!lock_) return failed("open " + path);
        if (::flock(lock_.value(), LOCK_EX | LOCK_NB) != 0)
            return Error{Code::unavailable, Stage::request, "another launcher holds " + path,
                         "stop it first"};
    }
    for (Program& program : programs_)
        if (auto made = make_sockets(program); !made) return made;
    return {};
}

Result<void> Supervisor::make_folder(const FolderPlan& folder) {
    const char* path = folder.path.c_str();
    if (::mkdir(path, folder.mode) != 0 && errno != EEXIST) return failed("make " + folder.path);
    struct stat status {};
    if (::lstat(path, &status) != 0) return failed("look at " + folder.path);
    if (!S_ISDIR(status.st_mode))
        return Error{Code::invalid_configuration, Stage::request, folder.path + " is not a folder",
                     "remove it"};
    if (!give_to(folder.path, folder.owner) || ::chmod(path, folder.mode) != 0)
        return failed("give " + folder.path + " to " + folder.owner.name);
    return {};
}

Result<void> Supervisor::make_sockets(Program& program) {
    for (const SocketPlan& plan : program.plan->sockets) {
        auto socket = varlink::listen_unix(plan.path, plan.mode, plan.backlog);
        if (!socket) return std::move(socket).error();
        program.sockets.push_back(std::move(*socket));
        if (!give_to(plan.path, plan.owner)) return failed("give " + plan.path + " to " + plan.owner.name);
    }
    return {};
}

int Supervisor::run() {
    unit::notify_ready("starting " + std::to_string(programs_.size()) + " programs");
    while (!stopping_) {
        start_what_is_due();
        const auto signal = wait_for_signal(next_start());
        reap();
        if (signal == SIGHUP)
            pass_on_reload();
        else if (signal && *signal != SIGCHLD)
            stopping_ = true;
    }
    unit::notify_stopping();
    stop_all();
    return exit_status_;
}

// The broker tells the others.
void Supervisor::pass_on_reload() {
    for (const Program& program : programs_)
        if (program.plan->name == "mutuald" && program.pid > 0) ::kill(program.pid, SIGHUP);
}

void Supervisor::start_what_is_due() {
    for (Program& program : programs_)
        if (program.pid == 0 && program.due <= Clock::now()) start(program);
}

void Supervisor::start(Program& program) {
    std::vector<int> sockets;
    for (const UniqueFd& socket : program.sockets) sockets.push_back(socket.value());
    const auto pid = spawn(*program.plan, sockets);
    program.started = Clock::now();
    ++program.starts;
    if (pid) {
        program.pid = *pid;
        log_.info("started " + program.plan->name + " as pid " + std::to_string(*pid));
    } else {
        program.due = program.started + patience_.longest_pause;
        log_.error(to_string(pid.error()));
    }
}

Supervisor::Clock::time_point Supervisor::next_start() const {
    auto next = Clock::time_point::max();
    for (const Program& program : programs_)
        if (program.pid == 0) next = std::min(next, program.due);
    return next;
}

std::optional<int> Supervisor::wait_for_signal(Clock::time_point until) const {
    int signal = -1;
    if (until == Clock::time_point::max()) {
        signal = ::sigwaitinfo(&signals_, nullptr);
    } else {
        const auto left = std::max(until - Clock::now(), Clock::duration::zero());
        const auto whole = std::chrono::floor<std::chrono::seconds>(left);
        const timespec timeout{whole.count(), std::chrono::nanoseconds(left - whole).count()};
        signal = ::sigtimedwait(&signals_, nullptr, &timeout);
    }
    return signal > 0 ? std::optional(signal) : std::nullopt;
}

// Also of orphans that came to us, as they do to the first process of a container.
void Supervisor::reap() {
    int status = 0;
    for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0; pid = ::waitpid(-1, &status, WNOHANG))
        for (Program& program : programs_)
            if (program.pid == pid) died(program, status);
}

void Supervisor::died(Program& program, int status) {
    const std::string who =
        program.plan->name + " (pid " + std::to_string(program.pid) + ") " + how_it_ended(status);
    const auto now = Clock::now();
    program.pid = 0;
    if (stopping_) return log_.info(who);
    if (program.starts == 1 && WIFEXITED(status) && WEXITSTATUS(status) == hopeless) {
        log_.error(who + ": it cannot work like this; stopping all");
        exit_status_ = hopeless;
        stopping_ = true;
        return;
    }
    const bool was_stable = program.pause.count() == 0 || now - program.started >= patience_.stable;
    program.pause = was_stable ? patience_.first_pause : std::min(program.pause * 2, patience_.longest_pause);
    program.due = now + program.pause;
    log_.warning(who + "; starts again in " + std::to_string(program.pause.count()) + " ms");
}

void Supervisor::stop_all() {
    stopping_ = true;
    for (auto program = programs_.rbegin(); program != programs_.rend(); ++program) stop(*program);
}

void Supervisor::stop(Program& program) {
    const auto deadline = Clock::now() + patience_.stop;
    if (program.pid != 0) ::kill(program.pid, SIGTERM);
    while (program.pid != 0 && Clock::now() < deadline) {
        wait_for_signal(deadline);
        reap();
    }
    if (program.pid == 0) return;
    log_.warning(program.plan->name + " did not stop in time and is killed");
    ::kill(program.pid, SIGKILL);
    ::waitpid(program.pid, nullptr, 0);
    program.pid = 0;
}

}  // namespace mutual::launcher
