// SPDX-License-Identifier: Apache-2.0
// Keeps the programs of a plan running until a signal says stop. Blocks SIGCHLD, SIGTERM, SIGINT and SIGHUP
// for this process and waits for them; nothing else may wait for children here.
#pragma once

#include <signal.h>

#include <chrono>
#include <optional>
#include <vector>

#include "daemon/broker/launcher/plan.h"
#include "daemon/unit/log.h"
#include "varlink/unique_fd.h"

namespace mutual::launcher {

// A program that ends with this status at its first start (EX_CONFIG) says that starting it again will not
// help.
inline constexpr int hopeless = 78;

struct Patience {
    std::chrono::milliseconds first_pause{
        100};  // before a program that died is started again; doubled each time
    std::chrono::milliseconds longest_pause{10'000};
    std::chrono::milliseconds stable{10'000};  // after such a life the pause is the first one again
    std::chrono::milliseconds stop{5'000};     // from SIGTERM to SIGKILL
};

class Supervisor {
public:
    Supervisor(Plan plan, unit::Log log, Patience patience = {});
    ~Supervisor();
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;

    // Folders, then sockets. unavailable: another launcher has them.
    Result<void> prepare();
    // Starts all and returns after all have ended: 0 when told to stop, or `hopeless`.
    int run();

private:
    using Clock = std::chrono::steady_clock;
    struct Program {
        const ProgramPlan* plan = nullptr;
        std::vector<UniqueFd> sockets;
        pid_t pid = 0;  // 0: not running
        Clock::time_point started;
        Clock::time_point due;  // not running: when to start it
        std::chrono::milliseconds pause{0};
        int starts = 0;
    };

    Result<void> make_folder(const FolderPlan& folder);
    Result<void> make_sockets(Program& program);
    void pass_on_reload();
    void start_what_is_due();
    void start(Program& program);
    Clock::time_point next_start() const;
    // Waits for one of our signals until then; nullopt: none came.
    std::optional<int> wait_for_signal(Clock::time_point until) const;
    void reap();
    void died(Program& program, int status);
    void stop_all();
    void stop(Program& program);

    Plan plan_;
    unit::Log log_;
    Patience patience_;
    sigset_t signals_{};
    sigset_t mask_before_{};
    UniqueFd lock_;
    std::vector<Program> programs_;
    int exit_status_ = 0;
    bool stopping_ = false;
};

}  // namespace mutual::launcher
