// SPDX-License-Identifier: Apache-2.0
#include "client/mutualctl/reports.h"

#include "client/mutualctl/table.h"
#include "client/mutualctl/times.h"
#include "client/printable.h"

namespace mutual::ctl {

namespace {

using client::Candidate;
using client::ChannelFacts;
using client::Explanation;
using client::Found;
using client::printable;
using client::Status;

std::string counted(std::size_t number, const char* noun) {
    return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

std::string endpoint(const std::string& host, std::int64_t port) {
    if (port == 0) return host;
    const bool is_ipv6 = host.find(':') != std::string::npos;
    return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string timings_text(const Explanation& explanation) {
    std::string text;
    std::chrono::microseconds total{0};
    for (const auto& timing : explanation.timings) {
        text += (text.empty() ? "" : ", ") + printable(timing.stage) + " " + short_span(timing.taken);
        total += timing.taken;
    }
    return text.empty() ? text : "  time per stage: " + text + "; in all " + short_span(total) + "\n";
}

std::string both_times(std::int64_t time, std::int64_t now) {
    return time == 0 ? std::string() : local_time(time) + " (" + relative_time(time, now) + ")";
}

std::string state_of(const ChannelFacts& channel) {
    if (channel.ended != 0) return "ended";
    return channel.verdict ? "half-closed" : "open";
}

// "kvno 3 (aes256-cts-hmac-sha1-96), ..."
std::string keys_text(const std::vector<client::Credential::Key>& keys) {
    std::string text;
    for (const auto& key : keys)
        text += (text.empty() ? "kvno " : ", ") + std::to_string(key.kvno) + " (" + key.enctype + ")";
    return text;
}

std::string parts_text(const Status& status, bool with_legend) {
    Table table({{"PART"}, {"STATE"}, {"PID", Align::right}, {"DETAIL"}});
    for (const auto& part : status.parts)
        table.row({part.name, part.state, part.pid == 0 ? "" : std::to_string(part.pid), part.detail});
    return table.text(with_legend, 2);
}

// By the SPN, where it makes no principal.
std::string principal_of(const Candidate& candidate) {
    return candidate.principal.empty() ? candidate.spn : candidate.principal;
}

Table candidates_table(const std::vector<Candidate>& candidates) {
    Table table({{"USABLE"},
                 {"ENDPOINT"},
                 {"TRANSPORT"},
                 {"PRINCIPAL"},
                 {"PRIO", Align::right},
                 {"WEIGHT", Align::right},
                 {"FOUND BY"},
                 {"TRUST"},
                 {"REASON"}});
    for (const Candidate& candidate : candidates)
        table.row({candidate.usable ? "yes" : "no", endpoint(candidate.host, candidate.port),
                   candidate.transport, principal_of(candidate), std::to_string(candidate.priority),
                   std::to_string(candidate.weight), candidate.plugin, candidate.trust, candidate.reason});
    return table;
}

// Of an RPC program, whose port may have been asked for after the rest was found.
Table rpc_table(const Found& found) {
    Table table({{"USABLE"},
                 {"PROGRAM", Align::right},
                 {"VERSION", Align::right},
                 {"ENDPOINT"},
                 {"PRINCIPAL"},
                 {"PRIO", Align::right},
                 {"WEIGHT", Align::right},
                 {"FOUND BY"},
                 {"SOURCE"},
                 {"TRUST"},
                 {"REASON"}});
    for (const Candidate& candidate : found.candidates)
        table.row({candidate.usable ? "yes" : "no", std::to_string(*found.rpc_program),
                   std::to_string(found.rpc_version.value_or(0)), endpoint(candidate.host, candidate.port),
                   principal_of(candidate), std::to_string(candidate.priority),
                   std::to_string(candidate.weight), candidate.plugin, candidate.source, candidate.trust,
                   candidate.reason});
    return table;
}

}  // namespace

std::string explanation_text(const Explanation& explanation) {
    std::string text = "request " + printable(explanation.request) + ": service '" +
                       printable(explanation.service) + "', caller uid " +
                       std::to_string(explanation.caller_uid) + "\n";
    Table table({{"TIME", Align::right}, {"STAGE"}, {"DECISION"}, {"MESSAGE"}});
    for (const auto& line : explanation.lines)
        table.row({short_span(line.at), line.stage, line.decision, line.message});
    if (table.rows() > 0) text += table.text(true, 2);
    return text + timings_text(explanation);
}

std::string failure_text(std::string_view what_for, const Error& error) {
    std::string text = "mutualctl: cannot ";
    text.append(what_for).append(": ").append(printable(error.message)).append(" (stage ");
    text.append(name(error.stage)).append(", ").append(name(error.code)).append(")\n");
    if (!error.hint.empty()) text.append("hint: ").append(printable(error.hint)).append("\n");
    return text;
}

std::string services_text(const std::vector<client::Service>& services, bool with_legend) {
    Table table({{"SERVICE"}, {"OPEN"}, {"ACCEPT"}, {"TRANSPORT"}, {"OFFERED"}, {"DESCRIPTION"}});
    for (const auto& service : services)
        table.row({service.name, service.may_open ? "yes" : "no", service.may_accept ? "yes" : "no",
                   service.transport, service.offered, service.description});
    return table.text(with_legend) + (with_legend ? counted(services.size(), "service") + "\n" : "");
}

std::string credentials_text(const std::vector<client::Credential>& credentials, bool with_legend,
                             std::int64_t now) {
    Table table({{"IDENTITY"}, {"PRINCIPAL"}, {"KEYTAB"}, {"KEYS"}, {"EXPIRES"}, {"RENEWED"}, {"STATE"}});
    std::string failures;
    for (const auto& credential : credentials) {
        table.row({credential.identity, credential.principal, credential.keytab, keys_text(credential.keys),
                   relative_time(credential.expires, now), relative_time(credential.renews, now),
                   credential.failure.empty() ? "good" : "failed"});
        if (credential.failure.empty()) continue;
        failures += printable(credential.identity) + ": " + printable(credential.failure) + " (" +
                    relative_time(credential.failed_at, now) + ")\n";
        if (!credential.hint.empty()) failures += "hint: " + printable(credential.hint) + "\n";
    }
    return table.text(with_legend) + failures +
           (with_legend ? counted(credentials.size(), "credential") + "\n" : "");
}

std::string plugins_text(const std::vector<client::Plugin>& plugins, bool with_legend) {
    Table table({{"PLUGIN"},
                 {"KIND"},
                 {"STATE"},
                 {"VERSION"},
                 {"FINDERS", Align::right},
                 {"FAILURES", Align::right},
                 {"PATH"},
                 {"PROBLEM"}});
    for (const auto& plugin : plugins) {
        const bool has_finders = plugin.kind == "discovery";
        table.row({plugin.name, plugin.kind, plugin.state, plugin.version,
                   has_finders ? std::to_string(plugin.finders) : "",
                   has_finders ? std::to_string(plugin.failures) : "", plugin.path, plugin.problem});
    }
    return table.text(with_legend) + (with_legend ? counted(plugins.size(), "plugin") + "\n" : "");
}

std::string requests_text(const std::vector<client::RequestSummary>& requests, bool with_legend,
                          std::int64_t now) {
    Table table({{"REQUEST"}, {"METHOD"}, {"SERVICE"}, {"UID", Align::right}, {"RESULT"}, {"ENDED"}});
    for (const auto& request : requests)
        table.row({request.request, request.method, request.service, std::to_string(request.caller_uid),
                   request.result, relative_time(request.ended, now)});
    return table.text(with_legend) + (with_legend ? counted(requests.size(), "request") + "\n" : "");
}

std::string past_request_text(const client::PastRequest& past) {
    std::string text = printable(past.method) + ": " + printable(past.result);
    if (!past.message.empty()) text += ": " + printable(past.message);
    text += "\n";
    if (!past.hint.empty()) text += "hint: " + printable(past.hint) + "\n";
    return text;
}

std::string event_text(const client::Event& event) {
    std::string text;
    if (event.lost > 0) text += "(" + std::to_string(event.lost) + " events were lost)\n";
    text += local_time(std::chrono::floor<std::chrono::seconds>(event.at).count()) + " " +
            printable(event.message);
    if (!event.request.empty()) text += " request=" + printable(event.request);
    if (!event.channel.empty()) text += " channel=" + printable(event.channel);
    return text + "\n";
}

std::string target_text(const client::Request& request) {
    if (!request.rpc_program) return "'" + request.service + "'";
    return "RPC program " + std::to_string(*request.rpc_program) +
           (request.rpc_version ? " version " + std::to_string(*request.rpc_version) : "") +
           (request.host ? " on " + *request.host : "");
}

std::string found_text(const Found& found, bool with_legend) {
    const std::string text = found.rpc_program ? rpc_table(found).text(with_legend)
                                               : candidates_table(found.candidates).text(with_legend);
    return text + (with_legend ? counted(found.candidates.size(), "candidate") + "\n" : "");
}

std::string channels_text(const std::vector<ChannelFacts>& channels, bool with_legend, std::int64_t now) {
    Table table({{"CHANNEL"},
                 {"ROLE"},
                 {"SERVICE"},
                 {"UID", Align::right},
                 {"UNIT"},
                 {"PEER"},
                 {"ADDRESS"},
                 {"STARTED"},
                 {"EXPIRES"},
                 {"STATE"}});
    for (const ChannelFacts& channel : channels)
        table.row({channel.channel, channel.role, channel.service, std::to_string(channel.caller_uid),
                   channel.caller_unit, channel.peer, endpoint(channel.address, channel.port),
                   relative_time(channel.started, now), relative_time(channel.expires, now),
                   state_of(channel)});
    return table.text(with_legend) + (with_legend ? counted(channels.size(), "channel") + "\n" : "");
}

std::string channel_text(const ChannelFacts& channel, std::int64_t now) {
    Table table({{"", Align::right}, {""}});
    table.row({"channel:", channel.channel});
    table.row({"role:", channel.role});
    table.row({"service:", channel.service});
    table.row({"rule:", channel.rule});
    table.row({"caller uid:", std::to_string(channel.caller_uid)});
    if (!channel.caller_unit.empty()) table.row({"caller unit:", channel.caller_unit});
    table.row({"peer:", channel.peer});
    table.row({"self:", channel.self});
    table.row({"spn:", channel.spn});
    table.row({"transport:", channel.transport});
    table.row({"address:", endpoint(channel.address, channel.port)});
    table.row({"started:", both_times(channel.started, now)});
    table.row({"expires:", both_times(channel.expires, now)});
    table.row({"ended:", both_times(channel.ended, now)});
    table.row({"verdict:", channel.verdict.value_or("")});
    table.row({"octets from peer:", std::to_string(channel.bytes_from_peer)});
    table.row({"octets to peer:", std::to_string(channel.bytes_to_peer)});
    if (channel.calls != 0 || channel.transport == "oncrpc")
        table.row({"calls:", std::to_string(channel.calls)});
    return table.text(false);
}

std::string short_status_text(const Status& status) {
    std::string text = "mutuald " + printable(status.version) + " (pid " + std::to_string(status.pid) +
                       ") has run for " + long_span(status.uptime) + ": " +
                       counted(status.services.size(), "service") + ", " +
                       counted(static_cast<std::size_t>(status.channels), "channel") + "\n";
    for (const auto& part : status.parts)
        if (part.state != "running" && part.state != "ready")
            text += printable(part.name) + " is " + printable(part.state) +
                    (part.detail.empty() ? "" : ": " + printable(part.detail)) + "\n";
    return text;
}

std::string status_text(const Status& status, bool with_legend) {
    client::Status headline = status;
    headline.parts.clear();
    std::string text = short_status_text(headline);
    std::string services;
    for (const auto& service : status.services)
        services += (services.empty() ? "" : ", ") + printable(service);
    if (!services.empty()) text += "services: " + services + "\n";
    return status.parts.empty() ? text : text + parts_text(status, with_legend);
}

std::string log_level_text(const client::LogLevel& level) {
    std::string text = printable(level.level) + "\n";
    for (const std::string& note : level.notes) text += "note: " + printable(note) + "\n";
    return text;
}

std::string reloaded_text(const client::Reloaded& reloaded) {
    std::string text = "reloaded: " + std::to_string(reloaded.changes.size()) + " key(s) changed\n";
    for (const client::Change& change : reloaded.changes) {
        text += "  " + printable(change.key);
        if (!change.waits_for.empty())
            text += " (waits for a restart of " + printable(change.waits_for) + ")";
        text += "\n";
    }
    for (const std::string& note : reloaded.notes) text += "note: " + printable(note) + "\n";
    return text;
}

}  // namespace mutual::ctl
