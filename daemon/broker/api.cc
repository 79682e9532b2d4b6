// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/api.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "daemon/broker/opening.h"
#include "daemon/broker/parts.h"
#include "daemon/broker/quota.h"
#include "varlink/deadline.h"
#include "varlink/interfaces.h"
#include "varlink/listener.h"
#include "varlink/parameters.h"

namespace mutual::broker {

namespace json = boost::json;

namespace {

constexpr std::string_view interface = "org.mutuald.Broker";

varlink::Reply failure(const Error& error) { return varlink::failure(interface, error); }

varlink::Reply failure(const Error& error, const Explanation& explanation) {
    varlink::Reply reply = failure(error);
    reply.parameters["explanation"] = explanation.to_json();
    return reply;
}

json::object to_json(const ChannelRow& row) {
    json::object object;
    object["channel"] = row.channel;
    object["role"] = row.initiator_role ? "initiator" : "acceptor";
    object["service"] = row.service;
    object["rule"] = row.rule;
    object["callerUid"] = row.caller;
    if (!row.unit.empty()) object["callerUnit"] = row.unit;
    object["peer"] = row.initiator_role ? row.acceptor : row.initiator;
    object["self"] = row.initiator_role ? row.initiator : row.acceptor;
    object["spn"] = row.spn;
    object["transport"] = row.transport;
    object["address"] = row.endpoint.address;
    object["port"] = row.endpoint.port;
    object["started"] = row.started;
    object["expires"] = row.expires;
    object["ended"] = row.ended;
    if (!row.verdict.empty()) object["verdict"] = row.verdict;
    object["bytesFromPeer"] = row.bytes_from_peer;
    object["bytesToPeer"] = row.bytes_to_peer;
    object["calls"] = row.calls;
    return object;
}

void add_found(json::object& reply, const std::vector<Judged>& candidates, const Opening& opening) {
    json::array array;
    for (const Judged& judged : candidates) array.push_back(to_json(judged));
    reply["candidates"] = std::move(array);
    if (const config::Rpc* rpc = opening.rpc()) {
        reply["rpcProgram"] = rpc->program;
        reply["rpcVersion"] = opening.asked_version();
    }
}

Result<Opening> opening_of(Broker& broker, const varlink::Incoming& incoming, std::string_view method) {
    Result<Request> request = read_request(incoming.call.parameters, method);
    if (!request) return request.error();
    request->upgrade = incoming.call.upgrade;
    UniqueFd connection(::fcntl(incoming.connection->socket(), F_DUPFD_CLOEXEC, 0));
    if (!connection) return Error(Code::limit, Stage::caller, "no descriptor is left for the request");
    return Opening(broker, std::move(*request), incoming.peer(), std::move(connection));
}

// The program's end goes with the reply, or the connection itself becomes it, behind the reply.
void deliver(varlink::Reply& reply, Delivered& delivered) {
    reply.parameters["channel"] = delivered.channel;
    reply.parameters["peer"] = delivered.peer;
    reply.parameters["self"] = delivered.self;
    reply.parameters["spn"] = delivered.spn;
    reply.parameters["expires"] = delivered.expires;
    if (!delivered.upgraded) {
        reply.parameters["channelFileDescriptor"] = 0;
        reply.descriptors.push_back(std::move(delivered.program));
        return;
    }
    reply.take_over = [upgraded = delivered.upgraded](UniqueFd connection) {
        upgraded->attach(std::move(connection));
    };
}

std::string name_of(Offering::State state) {
    switch (state) {
        case Offering::State::starting:
            return "starting";
        case Offering::State::listening:
            return "listening";
        case Offering::State::failed:
            return "failed";
    }
    return {};
}

// Whoever may accept whatever unit it runs in.
bool is_acceptor(const Caller& caller, const config::Accept& accept) {
    const bool names_units_only =
        accept.accept_users.empty() && accept.accept_groups.empty() && !accept.accept_units.empty();
    return names_units_only || is_user_or_member(caller, accept.accept_users, accept.accept_groups);
}

Error not_known(const ChannelName& name) {
    std::string what = name.channel;
    if (name.cookie != 0) what = "of that socket";
    if (name.stamp != 0) what = "of that service with stamp " + std::to_string(name.stamp);
    return {Code::not_found, Stage::channel, "there is no channel " + what + " that you may see",
            "channels are known for 60 s after their end"};
}

}  // namespace

Api::Api(Broker& broker, AcceptQueue& queue, const Offerings& offerings)
    : broker_(broker), queue_(queue), offerings_(offerings) {}

Result<std::shared_ptr<void>> Api::admit(const Caller& caller, int socket) const {
    const config::Daemon& daemon = broker_.configuration->daemon;
    CallerUnit unit(socket, caller, daemon.unit_lookup);
    Result<Permits::Permit> held =
        hold(broker_, broker_.quotas.connections, daemon.limits.connections, caller, unit);
    if (!held) varlink::say_last(socket, failure(held.error()));
    return held;
}

void Api::add_to(varlink::Service& service) {
    using varlink::Incoming;
    service.describe(varlink::broker_interface);
    const auto add = [&service](std::string_view method, varlink::Service::Method handler) {
        service.method(std::string(interface).append(".").append(method), std::move(handler));
    };
    service.upgradable_method("org.mutuald.Broker.Open",
                              [this](Incoming incoming) { return open(std::move(incoming)); });
    service.upgradable_method("org.mutuald.Broker.Accept",
                              [this](Incoming incoming) { return accept(std::move(incoming)); });
    add("Plan", [this](Incoming incoming) { return plan(std::move(incoming)); });
    add("Find", [this](Incoming incoming) { return find(std::move(incoming)); });
    add("WhoIs", [this](Incoming incoming) { return whois(std::move(incoming)); });
    add("ListChannels", [this](Incoming incoming) { return list_channels(std::move(incoming)); });
    add("CloseChannel", [this](Incoming incoming) { return close_channel(std::move(incoming)); });
    add("ListServices", [this](Incoming incoming) { return list_services(std::move(incoming)); });
    add("Status", [this](Incoming incoming) { return status(std::move(incoming)); });
}

Api::Reply Api::open(varlink::Incoming incoming) {
    Result<Permits::Permit> held = hold_request(broker_, incoming);
    if (!held) co_return failure(held.error());
    Result<Opening> opening = opening_of(broker_, incoming, "Open");
    if (!opening) co_return failure(opening.error());
    Result<Opened> opened = co_await opening->open();
    if (!opened) co_return failure(opened.error(), opening->explanation());
    varlink::Reply reply;
    deliver(reply, *opened);
    reply.parameters["explanation"] = opening->explanation().to_json();
    co_return reply;
}

Api::Reply Api::plan(varlink::Incoming incoming) {
    Result<Permits::Permit> held = hold_request(broker_, incoming);
    if (!held) co_return failure(held.error());
    Result<Opening> opening = opening_of(broker_, incoming, "Plan");
    if (!opening) co_return failure(opening.error());
    Result<std::vector<Judged>> planned = co_await opening->plan();
    if (!planned) co_return failure(planned.error(), opening->explanation());
    varlink::Reply reply;
    const auto is_usable = [](const Judged& judged) { return judged.usable; };
    reply.parameters["allowed"] = std::any_of(planned->begin(), planned->end(), is_usable);
    add_found(reply.parameters, *planned, *opening);
    reply.parameters["explanation"] = opening->explanation().to_json();
    co_return reply;
}

Api::Reply Api::find(varlink::Incoming incoming) {
    Result<Permits::Permit> held = hold_request(broker_, incoming);
    if (!held) co_return failure(held.error());
    Result<Opening> opening = opening_of(broker_, incoming, "Find");
    if (!opening) co_return failure(opening.error());
    Result<std::vector<Judged>> found = co_await opening->find();
    if (!found) co_return failure(found.error(), opening->explanation());
    varlink::Reply reply;
    add_found(reply.parameters, *found, *opening);
    reply.parameters["explanation"] = opening->explanation().to_json();
    co_return reply;
}

Result<void> Api::may_accept(const Caller& caller, CallerUnit& unit, const std::string& name) const {
    const config::Service* service = broker_.configuration->service(name);
    const bool offered = service != nullptr && service->accept;
    if (offered && service->accept->deliver != config::Delivery::accept &&
        is_administrator(caller, broker_.configuration->daemon))
        return Error(
            Code::invalid_request, Stage::request,
            "service '" + name + "' is delivered to " + service->accept->socket + ", not to Accept",
            "set service." + name + ".accept.deliver to \"accept\", list who may accept, and reload");
    if (offered && is_acceptor(caller, *service->accept)) {
        if (service->accept->accept_units.empty()) return {};
        const Result<std::string>& runs = unit.name();
        if (!runs) return runs.error();
        if (runs_in(*runs, service->accept->accept_units)) return {};
    }
    const std::string who =
        "uid " + std::to_string(caller.uid) +
        (unit.was_asked() ? " in " + (unit.known().empty() ? "no unit" : unit.known()) : "");
    // Whether there is such a service is told to those only who may accept for it.
    return Error(Code::denied, Stage::policy, who + " may not accept for service '" + name + "'",
                 "an administrator can list the user under service." + name + ".accept.accept_users" +
                     (unit.was_asked() ? ", and the unit under accept_units" : "") +
                     ", with deliver = \"accept\" there");
}

// For a call that was allowed when it began.
Result<void> Api::may_still_accept(const varlink::Incoming& incoming, const std::string& name) const {
    const config::Service* service = broker_.configuration->service(name);
    if (service == nullptr || !service->accept)
        return Error(Code::unknown_service, Stage::admission,
                     "service '" + name + "' is not offered any more: the configuration was reloaded");
    CallerUnit unit = unit_of(broker_, incoming);
    Result<void> allowed = may_accept(incoming.peer(), unit, name);
    if (allowed) return allowed;
    Error error = allowed.error();
    error.message += " any more: the configuration was reloaded";
    return error;
}

Api::Reply Api::accept(varlink::Incoming incoming) {
    varlink::Parameters parameters(incoming.call.parameters, nullptr, "Accept");
    const std::string service = parameters.text("service", 64);
    const auto timeout = parameters.optional_number("timeoutMilliseconds", 1, 86'400'000);
    if (Result<void> finished = parameters.finish(); !finished) co_return failure(finished.error());
    CallerUnit unit = unit_of(broker_, incoming);
    if (Result<void> allowed = may_accept(incoming.peer(), unit, service); !allowed)
        co_return failure(allowed.error());
    Result<Permits::Permit> held = hold(broker_, broker_.quotas.accepts,
                                        broker_.configuration->daemon.limits.requests, incoming.peer(), unit);
    if (!held) co_return failure(held.error());
    auto deadline = AcceptQueue::Clock::time_point::max();
    if (timeout) deadline = AcceptQueue::Clock::now() + std::chrono::milliseconds(*timeout);
    // `incoming` lives as long as the call waits.
    auto may_wait = [this, &incoming, service] { return may_still_accept(incoming, service); };
    Result<Accepted> accepted = co_await queue_.wait(service, incoming.peer().uid, unit.known(), deadline,
                                                     incoming.call.upgrade, std::move(may_wait));
    if (!accepted) co_return failure(accepted.error());
    varlink::Reply reply;
    deliver(reply, *accepted);
    reply.parameters["address"] = accepted->endpoint.address;
    reply.parameters["port"] = accepted->endpoint.port;
    co_return reply;
}

bool Api::may_see(const Caller& caller, const ChannelRow& row) const {
    return caller.uid == row.caller || is_administrator(caller, broker_.configuration->daemon);
}

// A program that hangs must not hold up whoever asks about channels.
template <class T>
asio::awaitable<Result<T>> Api::in_a_moment(asio::awaitable<Result<T>> work) {
    Error late(Code::timed_out, Stage::channel, "mutuald-channel did not answer within 5 s");
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    return varlink::with_deadline(broker_.loop, std::move(work), deadline, std::move(late));
}

asio::awaitable<Result<ChannelRow>> Api::find_channel(ChannelName name) {
    std::optional<Error> problem;
    for (auto& [transport, client] : broker_.channels) {
        Result<ChannelRow> row = co_await in_a_moment(client.whois(name));
        if (row) co_return row;
        if (row.error().code != Code::not_found) problem = row.error();
    }
    if (problem) co_return std::move(*problem);
    co_return not_known(name);
}

// A stamp is of its transport only.
asio::awaitable<Result<ChannelRow>> Api::find_stamped(std::string service, ChannelName name) {
    const config::Service* definition = broker_.configuration->service(service);
    if (definition == nullptr || !definition->accept) co_return not_known(name);
    ChannelClient& client = broker_.channel(definition->transport);
    Result<ChannelRow> row = co_await in_a_moment(client.whois(name));
    const bool is_other = row ? row->service != service : row.error().code == Code::not_found;
    if (is_other) co_return not_known(name);
    co_return row;
}

Api::Reply Api::whois(varlink::Incoming incoming) {
    varlink::Parameters parameters(incoming.call.parameters, nullptr, "WhoIs");
    ChannelName name;
    name.channel = parameters.optional_text("channel", 64).value_or("");
    name.cookie = static_cast<std::uint64_t>(parameters.optional_number("cookie", 1).value_or(0));
    name.stamp = static_cast<std::uint32_t>(parameters.optional_number("stamp", 1, 0xffffffffLL).value_or(0));
    const auto service = parameters.optional_text("service", 64);
    if ((name.channel.empty() ? 0 : 1) + (name.cookie != 0 ? 1 : 0) + (name.stamp != 0 ? 1 : 0) != 1)
        parameters.fault("channel", "or 'cookie' or 'stamp' is needed, and only one of them");
    if (service.has_value() != (name.stamp != 0))
        parameters.fault("service", "goes with 'stamp', and 'stamp' with it");
    if (Result<void> finished = parameters.finish(); !finished) co_return failure(finished.error());
    Result<ChannelRow> row = not_known(name);
    if (service)
        row = co_await find_stamped(*service, name);
    else
        row = co_await find_channel(name);
    if (row && !may_see(incoming.peer(), *row)) row = not_known(name);
    if (!row) co_return failure(row.error());
    varlink::Reply reply;
    reply.parameters["channel"] = to_json(*row);
    co_return reply;
}

Api::Reply Api::list_channels(varlink::Incoming incoming) {
    json::array channels;
    for (auto& [transport, client] : broker_.channels) {
        Result<std::vector<ChannelRow>> rows = co_await in_a_moment(client.list());
        if (!rows) co_return failure(rows.error());
        for (const ChannelRow& row : *rows)
            if (may_see(incoming.peer(), row)) channels.push_back(to_json(row));
    }
    varlink::Reply reply;
    reply.parameters["channels"] = std::move(channels);
    co_return reply;
}

Api::Reply Api::close_channel(varlink::Incoming incoming) {
    varlink::Parameters parameters(incoming.call.parameters, nullptr, "CloseChannel");
    const std::string channel = parameters.text("channel", 64);
    if (Result<void> finished = parameters.finish(); !finished) co_return failure(finished.error());
    const ChannelName name{channel};
    Result<ChannelRow> row = co_await find_channel(name);
    if (row && !may_see(incoming.peer(), *row)) row = not_known(name);
    if (!row) co_return failure(row.error());
    Result<void> closed = co_await in_a_moment(broker_.channel(row->transport).close(channel));
    if (!closed) co_return failure(closed.error());
    broker_.log.notice("closed channel " + channel + " for uid " + std::to_string(incoming.peer().uid),
                       {{unit::Field::channel, channel},
                        {unit::Field::caller_uid, std::to_string(row->caller)},
                        {unit::Field::service, row->service},
                        {unit::Field::decision, "closed"}});
    co_return varlink::Reply();
}

Api::Reply Api::list_services(varlink::Incoming incoming) {
    const Caller& caller = incoming.peer();
    const Result<void> finished =
        varlink::Parameters(incoming.call.parameters, nullptr, "ListServices").finish();
    if (!finished) co_return failure(finished.error());
    std::map<std::string, std::string> states;
    for (const auto& [service, offering] : offerings_.all()) states[service] = name_of(offering->phase());
    CallerUnit unit = unit_of(broker_, incoming);
    json::array services;
    for (const auto& [name, service] : broker_.configuration->services) {
        if (!may_use(caller, unit, name)) continue;
        json::object object;
        object["name"] = name;
        object["description"] = service.description;
        object["mayOpen"] = (!service.discovery.empty() || service.rpc) &&
                            decide(*broker_.configuration, caller, unit, name).allowed;
        object["mayAccept"] = may_accept(caller, unit, name).ok();
        object["transport"] = service.transport;
        if (service.accept) object["offered"] = states[name];
        services.push_back(std::move(object));
    }
    varlink::Reply reply;
    reply.parameters["services"] = std::move(services);
    co_return reply;
}

// What this caller may open, or accept for.
bool Api::may_use(const Caller& caller, CallerUnit& unit, const std::string& service) const {
    return is_administrator(caller, broker_.configuration->daemon) ||
           decide(*broker_.configuration, caller, unit, service).allowed ||
           may_accept(caller, unit, service).ok();
}

Api::Reply Api::status(varlink::Incoming incoming) {
    const Caller& caller = incoming.peer();
    CallerUnit unit = unit_of(broker_, incoming);
    varlink::Reply reply;
    reply.parameters["version"] = MUTUALD_VERSION;
    reply.parameters["pid"] = ::getpid();
    const auto uptime = std::chrono::steady_clock::now() - broker_.started;
    reply.parameters["uptimeSeconds"] = std::chrono::duration_cast<std::chrono::seconds>(uptime).count();
    json::array services;
    for (const auto& [name, service] : broker_.configuration->services)
        if (may_use(caller, unit, name)) services.emplace_back(name);
    reply.parameters["services"] = std::move(services);
    Parts parts = co_await ask_parts(broker_);
    for (const auto& [service, offering] : offerings_.all())
        if (may_use(caller, unit, service))
            parts.rows.push_back({"service " + service, name_of(offering->phase()), 0, offering->state()});
    json::array rows;
    for (Part& part : parts.rows) {
        // Paths, addresses and what went wrong with them are the administrators'.
        if (!is_administrator(caller, broker_.configuration->daemon)) part.detail.clear();
        rows.push_back(to_json(part));
    }
    reply.parameters["channels"] = parts.channels;
    reply.parameters["parts"] = std::move(rows);
    co_return reply;
}

}  // namespace mutual::broker
