// SPDX-License-Identifier: Apache-2.0
// open and accept.
#include <algorithm>
#include <thread>

#include "client/mutualctl/channel_use.h"
#include "client/mutualctl/exit_status.h"
#include "client/mutualctl/output.h"
#include "client/mutualctl/reports.h"
#include "client/mutualctl/servers.h"
#include "client/mutualctl/times.h"
#include "client/mutualctl/verbs.h"
#include "client/printable.h"

namespace mutual::ctl {

namespace {

using client::Answer;
using client::BrokerClient;
using client::OpenChannel;
using client::printable;

// Standard output is the channel's, so what is told goes to standard error.
void tell_success(const Options& options, const Answer<OpenChannel>& answer) {
    if (options.json) return complain(json_line(answer.reply));
    if (!options.explain || options.quiet) return;
    const OpenChannel& channel = *answer.result;
    if (answer.explanation) complain(explanation_text(*answer.explanation));
    complain("channel " + printable(channel.channel) + ": peer " + printable(channel.peer) + ", we are " +
             printable(channel.self) + ", until " + local_time(channel.expires) + "\n");
}

int use(const Options& options, OpenChannel channel) {
    return options.command.empty() ? relay_stdio(options, std::move(channel))
                                   : run_command(options, std::move(channel));
}

std::string accept_purpose(const Options& options) {
    return "accept a channel of '" + options.request.service + "'";
}

// A broker that restarts while we wait is asked again as soon as it is back.
class Acceptor {
public:
    explicit Acceptor(const Options& options) : options_(options) {}

    // No value: the failure has been told, with this status.
    std::optional<OpenChannel> next(int& status) {
        const auto deadline = std::chrono::steady_clock::now() + options_.request.timeout.value_or(forever);
        std::chrono::milliseconds pause{50};
        for (;;) {
            auto broker = BrokerClient::connect(options_.socket);
            if (!broker && !was_connected_) return refuse(status, broker.error(), exit_not_running);
            if (broker) {
                was_connected_ = true;
                auto answer = broker->accept(options_.request.service, left_until(deadline));
                if (answer.result) return accepted(std::move(answer));
                if (!answer.connection_lost) {
                    status = fail(options_, accept_purpose(options_), answer, Stream::error);
                    return std::nullopt;
                }
            }
            if (std::chrono::steady_clock::now() + pause >= deadline)
                return refuse(status,
                              {Code::timed_out, Stage::request, "the broker went away and did not come back"},
                              exit_timed_out);
            std::this_thread::sleep_for(pause);
            pause = std::min(pause * 2, longest_pause);
        }
    }

private:
    static constexpr std::chrono::milliseconds forever = std::chrono::hours(24 * 365 * 10);
    static constexpr std::chrono::milliseconds longest_pause{2000};

    std::optional<std::chrono::milliseconds> left_until(
        std::chrono::steady_clock::time_point deadline) const {
        if (!options_.request.timeout) return std::nullopt;
        const auto left = deadline - std::chrono::steady_clock::now();
        return std::max(std::chrono::ceil<std::chrono::milliseconds>(left), std::chrono::milliseconds(1));
    }

    OpenChannel accepted(Answer<OpenChannel> answer) const {
        if (options_.json) complain(json_line(answer.reply));
        return std::move(*answer.result);
    }

    std::optional<OpenChannel> refuse(int& status, const Error& error, int with) const {
        status = fail(options_, accept_purpose(options_), error, with, Stream::error);
        return std::nullopt;
    }

    const Options& options_;
    bool was_connected_ = false;
};

}  // namespace

int open_channel(const Options& options) {
    const std::string what_for = "open a channel to " + target_text(options.request);
    std::optional<OpenChannel> channel;
    Options named = options;
    {
        auto broker = BrokerClient::connect(options.socket);
        if (!broker) return fail(options, what_for, broker.error(), exit_not_running, Stream::error);
        auto answer = broker->open(options.request);
        if (!answer.result) return fail(options, what_for, answer, Stream::error);
        tell_success(options, answer);
        // Only the broker knows which service an RPC program is.
        if (named.request.service.empty() && answer.explanation)
            named.request.service = answer.explanation->service;
        channel = std::move(*answer.result);
    }
    return use(named, std::move(*channel));
}

int accept_channel(const Options& options) {
    Acceptor acceptor(options);
    int status = exit_ok;
    if (options.once || options.command.empty()) {
        auto channel = acceptor.next(status);
        return channel ? use(options, std::move(*channel)) : status;
    }
    auto& servers = *new Servers(options);  // its thread may outlast us
    while (status == exit_ok) {
        servers.wait_for_room();
        if (auto channel = acceptor.next(status)) servers.start(std::move(*channel));
    }
    servers.wait_for_all();
    return status;
}

}  // namespace mutual::ctl
