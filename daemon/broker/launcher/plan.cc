// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/launcher/plan.h"

#include <algorithm>

#include "daemon/unit/text.h"

namespace mutual::launcher {
namespace {

constexpr auto run_folder = "/run/mutuald";
// As in units/mutuald.socket: whoever connects waits behind those who wait already.
constexpr int api_backlog = 64;

struct Accounts {
    unit::Account root{"root", 0, 0};
    unit::Account broker;
    unit::Account keys;
    unit::Account channel;
    unit::Account plugin;
};

Result<Accounts> find_accounts(const FindUser& find_user) {
    Accounts accounts;
    const std::pair<const char*, unit::Account*> wanted[]{{"mutuald", &accounts.broker},
                                                          {"mutuald-keys", &accounts.keys},
                                                          {"mutuald-channel", &accounts.channel},
                                                          {"mutuald-plugin", &accounts.plugin}};
    for (const auto& [name, account] : wanted) {
        auto found = find_user(name);
        if (!found)
            return Error{Code::invalid_configuration, Stage::request, found.error().message,
                         std::string("useradd --system --no-create-home --shell /usr/sbin/nologin ") + name +
                             ", or systemd-sysusers with the installed sysusers.d/mutuald.conf"};
        *account = std::move(*found);
    }
    return accounts;
}

bool is_plugin_name(const std::string& name) {
    return !name.empty() && name.size() <= 32 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

SocketPlan private_socket(const std::string& name, const std::string& file,
                          const unit::Account& who_connects) {
    return {name, std::string(run_folder) + "/" + file + ".sock", who_connects, 0600};
}

}  // namespace

Result<Plan> make_plan(const LauncherOptions& options, const FindUser& find_user) {
    auto accounts = find_accounts(find_user);
    if (!accounts) return std::move(accounts).error();
    const auto& [root, broker, keys, channel, plugin] = *accounts;
    const std::string folder = options.program_folder + "/";
    Plan plan;
    plan.folders = {{run_folder, root, 0755}, {"/run/mutuald-keys", keys, 0700}};
    plan.programs.push_back(
        {"mutuald-keys", {folder + "mutuald-keys"}, keys, {private_socket("keys", "keys", broker)}, true});
    plan.programs.push_back({"mutuald-plugin",
                             {folder + "mutuald-plugin"},
                             plugin,
                             {private_socket("plugin", "plugin", broker)}});
    for (const std::string& transport : options.transports) {
        if (!is_plugin_name(transport))
            return Error{Code::invalid_configuration, Stage::request,
                         "no transport can be named " + unit::shown(transport), "as in --transport sockets"};
        const auto same = [&](const ProgramPlan& program) {
            return program.name == "mutuald-channel@" + transport;
        };
        if (std::any_of(plan.programs.begin(), plan.programs.end(), same))
            return Error{Code::invalid_configuration, Stage::request,
                         "the transport " + transport + " is named twice", "name each transport once"};
        plan.programs.push_back({"mutuald-channel@" + transport,
                                 {folder + "mutuald-channel", "--transport", transport},
                                 channel,
                                 {private_socket("channel", "channel-" + transport, broker)}});
    }
    plan.programs.push_back({"mutuald",
                             {folder + "mutuald"},
                             broker,
                             {{"api", std::string(run_folder) + "/mutuald.sock", root, 0666, api_backlog},
                              private_socket("admission", "admission", channel)}});
    return plan;
}

}  // namespace mutual::launcher
