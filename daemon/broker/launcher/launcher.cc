// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/launcher/launcher.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "daemon/broker/launcher/plan.h"
#include "daemon/broker/launcher/supervisor.h"
#include "daemon/unit/log.h"

namespace mutual::launcher {
namespace {

namespace fs = std::filesystem;

std::string program_folder() {
    std::error_code failure;
    const fs::path here = fs::read_symlink("/proc/self/exe", failure).parent_path();
    return !failure && fs::exists(here / "mutuald-keys", failure) ? here.string() : MUTUAL_PROGRAM_FOLDER;
}

Result<void> check_programs(const Plan& plan) {
    for (const ProgramPlan& program : plan.programs)
        if (::access(program.command[0].c_str(), X_OK) != 0)
            return Error{Code::invalid_configuration, Stage::request,
                         "find " + program.command[0] + ": " + std::generic_category().message(errno),
                         "the programs lie beside this one, or in " MUTUAL_PROGRAM_FOLDER};
    return {};
}

Result<Plan> plan_for(LauncherOptions options) {
    if (::geteuid() != 0)
        return Error{Code::denied, Stage::request, "only root can start the programs under their own users",
                     "run `mutuald --all` as root, or start the systemd units"};
    if (options.program_folder.empty()) options.program_folder = program_folder();
    auto plan = make_plan(options, unit::find_user);
    if (!plan) return plan;
    if (auto there = check_programs(*plan); !there) return std::move(there).error();
    return plan;
}

}  // namespace

int run_launcher(const LauncherOptions& options) {
    const unit::Log log = unit::system_log("mutuald-launcher");
    auto plan = plan_for(options);
    if (!plan) {
        log.error(to_string(plan.error()));
        return 1;
    }
    Supervisor supervisor(std::move(*plan), log);
    if (auto prepared = supervisor.prepare(); !prepared) {
        log.error(to_string(prepared.error()));
        return 1;
    }
    return supervisor.run();
}

}  // namespace mutual::launcher
