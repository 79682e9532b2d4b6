// SPDX-License-Identifier: Apache-2.0
// For tests: the real mutuald-plugin in a folder of its own, with the plugins that a test names, and calls to
// it.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "mutual/discovery.h"
#include "varlink/client.h"

namespace mutual::plugin {

class Supervised {
public:
    // `toml`: the [plugin.NAME] sections.
    explicit Supervised(const std::string& toml);
    ~Supervised();
    Supervised(const Supervised&) = delete;
    Supervised& operator=(const Supervised&) = delete;

    // Rewrites the configuration and tells the program.
    void reload(const std::string& toml);
    void write(const std::string& toml) const;
    // Of the configuration as it is written.
    std::string fingerprint() const;
    // PrepareConfiguration or UseConfiguration.
    static varlink::Call configuration_call(const std::string& method, const std::string& fingerprint);

    // A connection of its own, with the call already sent.
    varlink::BlockingConnection call(varlink::Call call) const;
    varlink::Reply answer(varlink::Call call) const;
    varlink::Reply find(const std::string& plugin, const std::string& service_class,
                        int milliseconds = 5000) const;
    // The entry of that plugin.
    varlink::json::object status(const std::string& plugin) const;
    // Asks until the plugin's entry says so; the test fails after ten seconds.
    bool reaches(const std::string& plugin, const std::string& state) const;

    static varlink::Call find_call(const std::string& plugin, const std::string& service_class,
                                   int milliseconds);

    pid_t pid() const { return pid_; }

private:
    std::filesystem::path folder_;
    pid_t pid_ = -1;
};

// [plugin.NAME] for the plugin that misbehaves.
std::string wild_section(const std::string& name, const std::string& at_start = "", int finders = 2);
// The pid that a candidate of the wild plugin came from.
pid_t finder_pid(const varlink::Reply& reply);
// True once no process of that pid is left that is not dead.
bool vanishes(pid_t pid);

}  // namespace mutual::plugin
