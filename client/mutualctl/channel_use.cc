// SPDX-License-Identifier: Apache-2.0
#include "client/mutualctl/channel_use.h"

#include <unistd.h>

#include "client/mutualctl/exit_status.h"
#include "client/mutualctl/output.h"
#include "client/printable.h"
#include "client/relay.h"

namespace mutual::ctl {

namespace {

using client::OpenChannel;
using client::printable;

constexpr std::string_view good_end = "authenticated";

// How the peer's stream ended, asked where it is recorded. Empty: it has not ended.
Result<std::string> verdict_of(const Options& options, const std::string& channel) {
    auto broker = client::BrokerClient::connect(options.socket);
    if (!broker) return std::move(broker).error();
    const auto facts = broker->whois(channel);
    if (!facts.result) return facts.result.error();
    return facts.result->verdict.value_or("");
}

int tell_verdict(const Options& options, const Result<std::string>& verdict) {
    if (!verdict) {
        complain("mutualctl: how the stream ended is not known: " + printable(verdict.error().message) +
                 "\n");
        return exit_stream_cut;
    }
    const bool is_good = *verdict == good_end;
    if (!is_good || !options.quiet)
        complain("mutualctl: end of stream: " + (verdict->empty() ? "not reached" : printable(*verdict)) +
                 "\n");
    return is_good ? exit_ok : exit_stream_cut;
}

void add_knc_environment(client::Command& command, const OpenChannel& channel) {
    // As knc: a mapped address is IPv4, and the zone of a link-local one is not told.
    constexpr std::string_view mapped = "::ffff:";
    std::string address = channel.address.substr(0, channel.address.find('%'));
    if (address.starts_with(mapped) && address.find('.') != std::string::npos)
        address.erase(0, mapped.size());
    const bool is_ipv6 = address.find(':') != std::string::npos;
    auto& environment = command.environment;
    environment.emplace_back("KNC_MECH", "krb5");
    environment.emplace_back("KNC_CREDS", channel.peer);
    environment.emplace_back(is_ipv6 ? "KNC_REMOTE_IP6" : "KNC_REMOTE_IP", address);
    environment.emplace_back("KNC_REMOTE_ADDR", address);
    environment.emplace_back("KNC_REMOTE_PORT", std::to_string(channel.port));
    environment.emplace_back("KNC_VERSION", "mutuald-" MUTUAL_VERSION);
}

}  // namespace

int relay_stdio(const Options& options, OpenChannel channel) {
    const auto relayed = client::relay(channel.fd.value(), STDIN_FILENO, STDOUT_FILENO);
    const int ended = tell_verdict(options, verdict_of(options, channel.channel));
    if (relayed) return ended;
    complain("mutualctl: cannot relay: " + relayed.error().message + "\n");
    return ended == exit_ok ? exit_failed : ended;
}

client::Command command_for(const Options& options, const OpenChannel& channel) {
    client::Command command{options.command, {}, options.stdio, {}};
    auto& environment = command.environment;
    environment.emplace_back("MUTUAL_FD", "3");
    environment.emplace_back("MUTUAL_SERVICE", options.request.service);
    environment.emplace_back("MUTUAL_CHANNEL", channel.channel);
    environment.emplace_back("MUTUAL_PEER", channel.peer);
    environment.emplace_back("MUTUAL_SELF", channel.self);
    environment.emplace_back("MUTUAL_SPN", channel.spn);
    environment.emplace_back("MUTUAL_EXPIRES", std::to_string(channel.expires));
    if (options.verb != Verb::accept) return command;
    environment.emplace_back("MUTUAL_ADDRESS", channel.address);
    environment.emplace_back("MUTUAL_PORT", std::to_string(channel.port));
    add_knc_environment(command, channel);
    return command;
}

int run_command(const Options& options, OpenChannel channel) {
    const client::Command command = command_for(options, channel);
    auto started = client::start(command, channel.fd.value());
    if (!started) return fail(options, "run '" + options.command.front() + "'", started.error(), exit_failed);
    channel.fd.reset();
    const int ended = client::wait_for(*started);
    const auto verdict = verdict_of(options, channel.channel);
    // A command that left before the peer's stream ended has missed nothing that it wanted.
    if (verdict && (verdict->empty() || *verdict == good_end)) return ended;
    const int cut = tell_verdict(options, verdict);
    return ended == exit_ok ? cut : ended;
}

}  // namespace mutual::ctl
