// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/administration.h"

#include <fcntl.h>

#include <boost/json/array.hpp>

#include "daemon/broker/parts.h"
#include "daemon/broker/quota.h"
#include "varlink/deadline.h"
#include "varlink/interfaces.h"
#include "varlink/parameters.h"

namespace mutual::broker {

namespace json = boost::json;

namespace {

constexpr std::string_view interface = "org.mutuald.Broker";
// Each holds a connection, and up to Monitor::most_waiting events.
constexpr config::Bounds most_monitors{64, 8, 0};
// A watcher that reads nothing for so long is as good as gone.
constexpr std::chrono::seconds longest_event{30};

varlink::Reply failure(const Error& error) { return varlink::failure(interface, error); }

Error unknown_request(const std::string& request) {
    return {Code::not_found, Stage::request, "there is no request " + request + " that you may see",
            "the last " + std::to_string(History::most) + " requests since the broker's start are kept"};
}

// A service may have several principals: one that cannot be used is told.
std::map<std::string, CredentialGauge> gauges_of(const std::vector<NamedCredential>& rows) {
    std::map<std::string, CredentialGauge> gauges;
    for (const NamedCredential& row : rows) {
        if (!row.is_known) continue;
        CredentialGauge& gauge = gauges[row.identity];
        if (row.credential.failure) gauge.usable = false;
        if (row.credential.expires) gauge.expires = row.credential.expires;
    }
    return gauges;
}

bool is_up(const std::string& state) { return state == "running" || state == "ready"; }

}  // namespace

Administration::Administration(Broker& broker, const AcceptQueue& queue, const Offerings& offerings,
                               Reload& reload)
    : broker_(broker),
      queue_(queue),
      offerings_(offerings),
      reload_(reload),
      credentials_(broker),
      monitors_("", "calls of Monitor") {}

void Administration::add_to(varlink::Service& service) {
    using varlink::Incoming;
    const auto name = [](std::string_view method) {
        return std::string(interface).append(".").append(method);
    };
    service.method(name("Explain"), [this](Incoming incoming) { return explain(std::move(incoming)); });
    service.method(name("ListRequests"),
                   [this](Incoming incoming) { return list_requests(std::move(incoming)); });
    service.method(name("Metrics"), [this](Incoming incoming) { return metrics(std::move(incoming)); });
    service.method(name("ListCredentials"),
                   [this](Incoming incoming) { return list_credentials(std::move(incoming)); });
    service.method(name("ListPlugins"),
                   [this](Incoming incoming) { return list_plugins(std::move(incoming)); });
    service.method(name("Reload"), [this](Incoming incoming) { return reload(std::move(incoming)); });
    service.method(name("LogLevel"), [this](Incoming incoming) { return log_level(std::move(incoming)); });
    service.streaming_method(name("Monitor"),
                             [this](Incoming incoming) { return monitor(std::move(incoming)); });
}

bool Administration::is_administrators(const Caller& caller) const {
    return is_administrator(caller, broker_.configuration->daemon);
}

bool Administration::may_see(const Caller& caller, const PastRequest& past) const {
    return past.explanation.caller() == caller.uid || is_administrators(caller);
}

Result<void> Administration::for_administrators(const varlink::Incoming& incoming,
                                                std::string_view method) const {
    varlink::Parameters parameters(incoming.call.parameters, nullptr, method);
    if (Result<void> finished = parameters.finish(); !finished) return finished;
    return is_for_administrators(incoming, method);
}

Result<void> Administration::is_for_administrators(const varlink::Incoming& incoming,
                                                   std::string_view method) const {
    if (is_administrators(incoming.peer())) return {};
    return Error(Code::denied, Stage::policy,
                 std::string(method) + " is for root and members of group " +
                     broker_.configuration->daemon.admin_group + ", not for uid " +
                     std::to_string(incoming.peer().uid),
                 "have an administrator ask, or add the user to the group");
}

Administration::Reply Administration::explain(varlink::Incoming incoming) {
    varlink::Parameters parameters(incoming.call.parameters, nullptr, "Explain");
    const std::string request = parameters.text("request", 64);
    if (Result<void> finished = parameters.finish(); !finished) co_return failure(finished.error());
    const std::optional<PastRequest> past = broker_.history.find(request);
    if (!past || !may_see(incoming.peer(), *past)) co_return failure(unknown_request(request));
    varlink::Reply reply;
    reply.parameters["method"] = past->method;
    reply.parameters["result"] = past->result;
    reply.parameters["message"] = past->message;
    reply.parameters["hint"] = past->hint;
    reply.parameters["explanation"] = past->explanation.to_json();
    co_return reply;
}

Administration::Reply Administration::list_requests(varlink::Incoming incoming) {
    varlink::Parameters parameters(incoming.call.parameters, nullptr, "ListRequests");
    if (Result<void> finished = parameters.finish(); !finished) co_return failure(finished.error());
    json::array requests;
    for (const PastRequest& past : broker_.history.all()) {
        if (!may_see(incoming.peer(), past)) continue;
        json::object object;
        object["request"] = past.explanation.request();
        object["method"] = past.method;
        object["service"] = past.explanation.service();
        object["callerUid"] = past.explanation.caller();
        object["result"] = past.result;
        object["ended"] = past.ended;
        requests.push_back(std::move(object));
    }
    varlink::Reply reply;
    reply.parameters["requests"] = std::move(requests);
    co_return reply;
}

Administration::Reply Administration::monitor(varlink::Incoming incoming) {
    varlink::Parameters parameters(incoming.call.parameters, nullptr, "Monitor");
    if (Result<void> finished = parameters.finish(); !finished) co_return failure(finished.error());
    const Caller& caller = incoming.peer();
    CallerUnit unit = unit_of(broker_, incoming);
    Result<Permits::Permit> permit = hold(broker_, monitors_, most_monitors, caller, unit);
    if (!permit) co_return failure(permit.error());
    const auto watcher = broker_.monitor.watch(caller.uid, is_administrators(caller));
    varlink::Reply reply;  // the first one, without an event: from here on nothing is missed
    for (;;) {
        reply.continues = true;
        Error never_read(Code::timed_out, Stage::request, "the watcher does not read");
        auto sending = incoming.connection->reply(std::move(reply));
        const auto deadline = std::chrono::steady_clock::now() + longest_event;
        Result<void> sent = co_await varlink::with_deadline(broker_.loop, std::move(sending), deadline,
                                                            std::move(never_read));
        if (!sent) {
            // A part of the event may be out: nothing that follows could be read.
            incoming.connection->close();
            co_return failure(sent.error());
        }
        json::object event = co_await watcher->next();
        reply = varlink::Reply();
        if (const auto lost = event.find("lost"); lost != event.end()) {
            reply.parameters["lost"] = lost->value();
            event.erase(lost);
        }
        reply.parameters["event"] = std::move(event);
    }
}

Administration::Reply Administration::metrics(varlink::Incoming incoming) {
    if (Result<void> allowed = for_administrators(incoming, "Metrics"); !allowed)
        co_return failure(allowed.error());
    const Parts parts = co_await ask_parts(broker_);
    Gauges gauges;
    const auto uptime = std::chrono::steady_clock::now() - broker_.started;
    gauges.uptime_seconds = std::chrono::duration_cast<std::chrono::seconds>(uptime).count();
    gauges.channels = parts.channels;
    gauges.pending_requests = static_cast<std::int64_t>(broker_.quotas.requests.taken());
    gauges.waiting_accepts = static_cast<std::int64_t>(queue_.waiting());
    const Quotas& quotas = broker_.quotas;
    for (const Permits* permits : {&quotas.connections, &quotas.requests, &quotas.handshakes})
        gauges.quota_refusals.emplace_back(permits->key(), permits->refused());
    gauges.quota_refusals.emplace_back("accepts", quotas.accepts.refused());
    for (const Part& part : parts.rows) gauges.parts.emplace_back(part.name, is_up(part.state));
    for (const auto& [service, offering] : offerings_.all())
        gauges.services.emplace_back(service, offering->phase() == Offering::State::listening);
    const std::vector<NamedCredential> credentials = co_await credentials_.list();
    gauges.credentials = gauges_of(credentials);
    varlink::Reply reply;
    reply.parameters["text"] = broker_.metrics.text(gauges);
    co_return reply;
}

Administration::Reply Administration::list_credentials(varlink::Incoming incoming) {
    varlink::Parameters parameters(incoming.call.parameters, nullptr, "ListCredentials");
    std::string cache = parameters.optional_text("credentialCache").value_or("");
    if (Result<void> finished = parameters.finish(); !finished) co_return failure(finished.error());
    // It reads a cache, as Open does.
    Result<Permits::Permit> held = hold_request(broker_, incoming);
    if (!held) co_return failure(held.error());
    UniqueFd caller(::fcntl(incoming.connection->socket(), F_DUPFD_CLOEXEC, 0));
    if (!caller)
        co_return failure({Code::limit, Stage::caller, "no descriptor is left for the request", "try again"});
    const bool is_named = !cache.empty();
    const NamedCredential own = co_await inspect_cache(broker_, std::move(caller), std::move(cache));
    json::array rows;
    // Root seldom has a ticket, and need not: without one its default cache is no news.
    const bool is_without_ticket =
        own.credential.failure && own.credential.failure->code == Code::no_credentials;
    if (is_named || incoming.peer().uid != 0 || !is_without_ticket) rows.push_back(to_json(own));
    if (is_administrators(incoming.peer())) {
        const std::vector<NamedCredential> configured = co_await list_configured_credentials(broker_);
        for (const NamedCredential& row : configured) rows.push_back(to_json(row));
    }
    varlink::Reply reply;
    reply.parameters["credentials"] = std::move(rows);
    co_return reply;
}

Administration::Reply Administration::list_plugins(varlink::Incoming incoming) {
    if (Result<void> allowed = for_administrators(incoming, "ListPlugins"); !allowed)
        co_return failure(allowed.error());
    Result<json::array> plugins = co_await list_discovery_plugins(broker_);
    if (!plugins) co_return failure(plugins.error());
    for (const auto& [name, plugin] : broker_.configuration->plugins) {
        if (plugin.kind != config::PluginKind::transport) continue;
        json::object object;
        object["name"] = name;
        object["kind"] = "transport";
        object["state"] = plugin.enabled ? "configured" : "disabled";
        object["version"] = "";
        object["path"] = plugin.path;
        object["finders"] = 0;
        object["failures"] = 0;
        plugins->push_back(std::move(object));
    }
    varlink::Reply reply;
    reply.parameters["plugins"] = std::move(*plugins);
    co_return reply;
}

Administration::Reply Administration::log_level(varlink::Incoming incoming) {
    if (Result<void> allowed = is_for_administrators(incoming, "LogLevel"); !allowed)
        co_return failure(allowed.error());
    varlink::Parameters parameters(incoming.call.parameters, nullptr, "LogLevel");
    const auto level = parameters.optional_choice("level", {"error", "warning", "notice", "info", "debug"});
    if (Result<void> finished = parameters.finish(); !finished) co_return failure(finished.error());
    std::vector<std::string> notes;
    if (level) {
        const unit::Priority priority = unit::levels.at(*level);
        broker_.journal.set_level(priority);
        notes = co_await set_log_level(broker_, priority);
        broker_.log.notice("uid " + std::to_string(incoming.peer().uid) + " set the log level to " +
                               std::string(unit::name(priority)),
                           {{unit::Field::caller_uid, std::to_string(incoming.peer().uid)}});
    }
    varlink::Reply reply;
    reply.parameters["level"] = unit::name(broker_.journal.level());
    reply.parameters["notes"] = json::array(notes.begin(), notes.end());
    co_return reply;
}

Administration::Reply Administration::reload(varlink::Incoming incoming) {
    if (Result<void> allowed = for_administrators(incoming, "Reload"); !allowed)
        co_return failure(allowed.error());
    std::string who = "uid " + std::to_string(incoming.peer().uid);
    Result<Reload::Outcome> outcome = co_await reload_.run(std::move(who));
    if (!outcome) co_return failure(outcome.error());
    json::array changes;
    for (const Reload::Change& change : outcome->changes) {
        json::object object;
        object["key"] = change.key;
        if (!change.waits_for.empty()) object["waitsFor"] = change.waits_for;
        changes.push_back(std::move(object));
    }
    varlink::Reply reply;
    reply.parameters["changes"] = std::move(changes);
    reply.parameters["notes"] = json::array(outcome->notes.begin(), outcome->notes.end());
    co_return reply;
}

}  // namespace mutual::broker
