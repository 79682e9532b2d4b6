// SPDX-License-Identifier: Apache-2.0
// Reads the configuration anew. All of it is good and mutuald-plugin has read the same, then both use it at
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
#include "varlink/aside.h"

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
    // Reads the files; called in a thread of its own, because it asks the system for users and groups. It
    // owns all that it uses: a call that does not come back is left behind.
    using Read = std::function<config::Loaded()>;
    // Lets the parts of the broker use the new configuration, which is in place.
    using Apply = std::function<void()>;

    struct Times {
        std::chrono::milliseconds reading{10'000};
        std::chrono::milliseconds answer{15'000};  // of mutuald-plugin, which reads, too
    };

    // `written`: config::Loaded::written of the configuration that the broker has; `folder`: where the other
    // programs' sockets are.
    Reload(Broker& broker, std::string written, std::string folder, Read read, Apply apply, Times times);
    Reload(Broker& broker, std::string written, std::string folder, Read read, Apply apply)
        : Reload(broker, std::move(written), std::move(folder), std::move(read), std::move(apply), Times()) {}

    // The outcome of a reload that begins after the call; calls that wait share one. Whoever gives up waiting
    // does not stop it. `who` asks for it, as the log is to tell: "uid 0".
    asio::awaitable<Result<Outcome>> run(std::string who);
    // Begins one and does not wait.
    void start(const std::string& who);

private:
    struct Run {
        explicit Run(asio::io_context& loop) : over(loop, asio::steady_timer::time_point::max()) {}
        asio::steady_timer over;
        std::optional<Result<Outcome>> outcome;
        std::vector<std::string> asked_by;
    };
    std::shared_ptr<Run> ask(const std::string& who);
    asio::awaitable<void> work();
    asio::awaitable<Result<Outcome>> once();
    asio::awaitable<Result<Outcome>> read_and_use();
    // What mutuald-plugin has read, and keeps for as long as the connection lasts. Without one it is away.
    struct Prepared {
        bool is_same = true;  // false: a file was changed since the broker read it
        std::unique_ptr<varlink::Connection> connection;
        std::string note;  // for people, if there is something to say
    };
    asio::awaitable<Result<Prepared>> prepare_plugins(std::string fingerprint);
    asio::awaitable<Prepared> commit_plugins(Prepared prepared, std::string fingerprint);
    asio::awaitable<Result<varlink::Reply>> call_plugins(varlink::Connection& connection, std::string method,
                                                         std::string fingerprint);
    Outcome use(config::Loaded loaded);
    void report(const Result<Outcome>& outcome, const Run& run) const;

    Broker& broker_;
    std::string written_;
    std::string folder_;
    Read read_;
    Apply apply_;
    Times times_;
    varlink::Aside<config::Loaded> reading_;
    std::shared_ptr<Run> next_;
    bool is_running_ = false;
};

}  // namespace mutual::broker
