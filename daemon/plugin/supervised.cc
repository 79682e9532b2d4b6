// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin/supervised.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <boost/json/array.hpp>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "daemon/config/load.h"
#include "daemon/plugin/query.h"
#include "varlink/interfaces.h"

namespace mutual::plugin {
namespace {

using varlink::Deadline;

Deadline in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

// Polls what has no event to wait for.
template <class Condition>
bool eventually(Condition condition) {
    const auto deadline = in(std::chrono::seconds(10));
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

pid_t start(const std::vector<std::string>& arguments) {
    std::vector<char*> pointers;
    for (const auto& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
    pointers.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
}

}  // namespace

Supervised::Supervised(const std::string& toml) {
    std::string pattern = std::filesystem::temp_directory_path() / "mutuald-plugin-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    write(toml);
    pid_ = start({MUTUALD_PLUGIN, "--socket", folder_ / "socket", "--broker-user", std::to_string(::getuid()),
                  "--config-root", folder_});
    const bool listens = eventually([this] {
        if (::waitpid(pid_, nullptr, WNOHANG) == pid_) return true;
        return varlink::connect_unix(folder_ / "socket", in(std::chrono::seconds(1))).ok();
    });
    EXPECT_TRUE(listens);
}

Supervised::~Supervised() {
    ::kill(pid_, SIGTERM);
    int status = -1;
    ::waitpid(pid_, &status, 0);
    EXPECT_EQ(status, 0);
    std::filesystem::remove_all(folder_);
}

void Supervised::write(const std::string& toml) const {
    const auto folder = folder_ / "etc/mutuald";
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "mutuald.toml") << toml;
}

void Supervised::reload(const std::string& toml) {
    write(toml);
    ::kill(pid_, SIGHUP);
}

std::string Supervised::fingerprint() const {
    const auto loaded = config::load(config::ConfigurationPaths::below(folder_));
    EXPECT_TRUE(loaded.configuration);
    return loaded.configuration ? loaded.configuration->fingerprint : std::string();
}

varlink::Call Supervised::configuration_call(const std::string& method, const std::string& fingerprint) {
    varlink::Call call;
    call.method = "org.mutuald.Plugins." + method;
    call.parameters["version"] = varlink::internal_version;
    call.parameters["fingerprint"] = fingerprint;
    return call;
}

varlink::BlockingConnection Supervised::call(varlink::Call call) const {
    auto socket = varlink::connect_unix(folder_ / "socket", in(std::chrono::seconds(5)));
    varlink::BlockingConnection connection(std::move(*socket));
    // Sent without waiting: the reply comes by next().
    const auto text = varlink::to_text(call);
    std::size_t sent = 0;
    EXPECT_EQ(varlink::send_some(connection.socket(), std::string_view(text.c_str(), text.size() + 1),
                                 call.descriptors, sent),
              varlink::Transfer::done);
    EXPECT_EQ(sent, text.size() + 1);
    return connection;
}

varlink::Reply Supervised::answer(varlink::Call wanted) const {
    auto connection = call(std::move(wanted));
    auto reply = connection.next(in(std::chrono::seconds(20)));
    EXPECT_TRUE(reply.ok());
    return reply ? std::move(*reply) : varlink::Reply{};
}

varlink::Call Supervised::find_call(const std::string& plugin, const std::string& service_class,
                                    int milliseconds) {
    Query query;
    query.service_class = service_class;
    varlink::Call call;
    call.method = "org.mutuald.Plugins.Find";
    call.parameters["version"] = varlink::internal_version;
    call.parameters["plugin"] = plugin;
    call.parameters["query"] = to_json(query);
    call.parameters["timeoutMilliseconds"] = milliseconds;
    return call;
}

varlink::Reply Supervised::find(const std::string& plugin, const std::string& service_class,
                                int milliseconds) const {
    return answer(find_call(plugin, service_class, milliseconds));
}

varlink::json::object Supervised::status(const std::string& plugin) const {
    varlink::Call call;
    call.method = "org.mutuald.Plugins.Status";
    call.parameters["version"] = varlink::internal_version;
    const auto reply = answer(std::move(call));
    for (const auto& each : reply.parameters.at("plugins").as_array())
        if (each.at("name").as_string() == plugin) return each.as_object();
    return {};
}

bool Supervised::reaches(const std::string& plugin, const std::string& state) const {
    return eventually([&] { return status(plugin).at("state").as_string() == state; });
}

std::string wild_section(const std::string& name, const std::string& at_start, int finders) {
    return "[plugin." + name +
           "]\nkind = \"discovery\"\npath = \"" WILD_PLUGIN "\"\nfinders = " + std::to_string(finders) +
           "\n[plugin." + name + ".options]\nat_start = \"" + at_start + "\"\n";
}

pid_t finder_pid(const varlink::Reply& reply) {
    const auto& source = reply.parameters.at("candidates").at(0).at("source").as_string();
    return std::stoi(std::string(source.subview(source.rfind(' ') + 1)));
}

bool vanishes(pid_t pid) {
    return eventually([pid] {
        std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
        std::string text;
        std::getline(file, text);
        const auto name_end = text.rfind(") ");
        return name_end == text.npos || text[name_end + 2] == 'Z';
    });
}

}  // namespace mutual::plugin
