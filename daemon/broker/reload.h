// SPDX-License-Identifier: Apache-2.0
// Reads the configuration anew. All of it is good and mutuald-plugin has taken it, then it is in force at
// once; or the running one stays, in full.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/broker/broker.h"
#include "daemon/config/load.h"

namespace mutual::broker {

class Reload {
public:
    struct Change {
        std::string key;
        std::string waits_for;  // a program that has to be restarted; empty: in force
    };
    struct Outcome {
        std::vector<Change> changes;
        std::vector<std::string> notes;
    };
    // Reads the files; called in a thread of its own, because it asks the system for users and groups.
    using Read = std::function<config::Loaded()>;
    // Lets the parts of the broker use the new configuration, which is in place.
    using Apply = std::function<void()>;

    // `written`: config::Loaded::written of the configuration that the broker has; `folder`: where the other
    // programs' sockets are.
    Reload(Broker& broker, std::string written, std::string folder, Read read, Apply apply);
    // Waits for a thread that still reads; the loop must outlive it.
    ~Reload();

    // The outcome of a reload that begins after the call; calls that wait share one. Whoever gives up waiting
    // does not stop it.
    asio::awaitable<Result<Outcome>> run();
    // Begins one and does not wait.
    void start();

private:
    struct Run {
        explicit Run(asio::io_context& loop) : over(loop, asio::steady_timer::time_point::max()) {}
        asio::steady_timer over;
        std::optional<Result<Outcome>> outcome;
    };
    std::shared_ptr<Run> ask();
    asio::awaitable<void> work();
    asio::awaitable<Result<Outcome>> once();
    struct Told {
        bool is_same = true;  // false: a file was changed since the broker read it
        std::string note;     // for people, if there is something to say
    };
    asio::awaitable<Result<Told>> tell_plugins(std::string fingerprint);
    Outcome use(config::Loaded loaded);
    void report(const Result<Outcome>& outcome) const;

    Broker& broker_;
    std::string written_;
    std::string folder_;
    Read read_;
    Apply apply_;
    std::shared_ptr<Run> next_;
    bool is_running_ = false;
    class Reading;
    std::unique_ptr<Reading> reading_;
};

}  // namespace mutual::broker
