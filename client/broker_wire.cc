// SPDX-License-Identifier: Apache-2.0
#include "client/broker_wire.h"

#include "varlink/parameters.h"

namespace mutual::client {

namespace {

using varlink::Parameters;

constexpr std::size_t most_objects = 1 << 20;
constexpr std::size_t longest_text = 64 * 1024;
constexpr std::size_t longest_metrics = 8 * 1024 * 1024;

Error unreadable(const Error& error) {
    return {Code::protocol, Stage::request, "read the broker's reply: " + error.message,
            "check that mutualctl and mutuald are of the same version"};
}

// Reads one object with `fill`, which assigns the fields.
template <class T>
Result<T> read(const json::object& object, std::vector<UniqueFd>* descriptors,
               void (*fill)(Parameters&, T&)) {
    Parameters parameters(object, descriptors, "reply");
    T value;
    fill(parameters, value);
    if (auto complete = parameters.finish_loosely(); !complete) return unreadable(complete.error());
    return value;
}

// Reads an array's objects; the first one that cannot be read is the outer reader's fault.
template <class T>
std::vector<T> read_all(Parameters& outer, std::string_view field, void (*fill)(Parameters&, T&)) {
    std::vector<T> all;
    for (const json::object& object : outer.objects(field, most_objects)) {
        Parameters inner(object, nullptr, field);
        fill(inner, all.emplace_back());
        if (auto complete = inner.finish_loosely(); !complete) {
            outer.fault(field, complete.error().message);
            break;
        }
    }
    return all;
}

void fill_line(Parameters& from, Line& line) {
    line.stage = from.text("stage");
    line.decision = from.text("decision");
    line.message = from.text("message", longest_text);
    line.at = std::chrono::microseconds(from.number("microseconds"));
}

void fill_timing(Parameters& from, Timing& timing) {
    timing.stage = from.text("stage");
    timing.taken = std::chrono::microseconds(from.number("microseconds"));
}

void fill_explanation(Parameters& from, Explanation& explanation) {
    explanation.request = from.text("request");
    explanation.service = from.text("service");
    explanation.caller_uid = from.number("callerUid");
    explanation.lines = read_all<Line>(from, "lines", fill_line);
    explanation.timings = read_all<Timing>(from, "timings", fill_timing);
}

void fill_candidate(Parameters& from, Candidate& candidate) {
    candidate.host = from.text("host");
    candidate.port = from.number("port");
    candidate.transport = from.text("transport");
    candidate.spn = from.text("spn");
    candidate.principal = from.text("principal");
    candidate.priority = from.number("priority");
    candidate.weight = from.number("weight");
    candidate.plugin = from.text("plugin");
    candidate.trust = from.text("trust");
    candidate.source = from.text("source");
    candidate.version = from.text("version");
    candidate.usable = from.flag("usable");
    candidate.reason = from.text("reason", longest_text);
}

void fill_opened(Parameters& from, OpenChannel& opened) {
    opened.fd = from.descriptor("channelFileDescriptor");
    opened.channel = from.text("channel");
    opened.peer = from.text("peer");
    opened.self = from.text("self");
    opened.spn = from.text("spn");
    opened.expires = from.number("expires");
}

void fill_accepted(Parameters& from, OpenChannel& accepted) {
    fill_opened(from, accepted);
    accepted.address = from.text("address");
    accepted.port = from.number("port");
}

void fill_facts(Parameters& from, ChannelFacts& facts) {
    facts.channel = from.text("channel");
    facts.role = from.text("role");
    facts.service = from.text("service");
    facts.rule = from.text("rule");
    facts.caller_uid = from.number("callerUid");
    facts.caller_unit = from.optional_text("callerUnit").value_or("");
    facts.peer = from.text("peer");
    facts.self = from.text("self");
    facts.spn = from.text("spn");
    facts.transport = from.text("transport");
    facts.address = from.text("address");
    facts.port = from.number("port");
    facts.started = from.number("started");
    facts.expires = from.number("expires");
    facts.ended = from.number("ended");
    facts.verdict = from.optional_text("verdict");
    facts.bytes_from_peer = from.number("bytesFromPeer");
    facts.bytes_to_peer = from.number("bytesToPeer");
    facts.calls = from.optional_number("calls").value_or(0);
}

void fill_whois(Parameters& from, ChannelFacts& facts) {
    const json::object channel = from.object("channel");
    auto read_facts = read<ChannelFacts>(channel, nullptr, fill_facts);
    if (!read_facts)
        from.fault("channel", read_facts.error().message);
    else
        facts = std::move(*read_facts);
}

void fill_channels(Parameters& from, std::vector<ChannelFacts>& channels) {
    channels = read_all<ChannelFacts>(from, "channels", fill_facts);
}

void fill_found(Parameters& from, Found& found) {
    found.candidates = read_all<Candidate>(from, "candidates", fill_candidate);
    found.rpc_program = from.optional_number("rpcProgram");
    found.rpc_version = from.optional_number("rpcVersion");
}

void fill_plan(Parameters& from, Plan& plan) {
    plan.allowed = from.flag("allowed");
    fill_found(from, plan.found);
}

void fill_part(Parameters& from, Part& part) {
    part.name = from.text("name");
    part.state = from.text("state");
    part.pid = from.number("pid");
    part.detail = from.text("detail", longest_text);
}

void fill_status(Parameters& from, Status& status) {
    status.version = from.text("version");
    status.pid = from.number("pid");
    status.uptime = std::chrono::seconds(from.number("uptimeSeconds"));
    status.services = from.texts("services", most_objects);
    status.channels = from.number("channels");
    status.parts = read_all<Part>(from, "parts", fill_part);
}

void fill_service(Parameters& from, Service& service) {
    service.name = from.text("name");
    service.description = from.text("description", longest_text);
    service.may_open = from.flag("mayOpen");
    service.may_accept = from.flag("mayAccept");
    service.transport = from.text("transport");
    service.offered = from.optional_text("offered").value_or("");
}

void fill_services(Parameters& from, std::vector<Service>& services) {
    services = read_all<Service>(from, "services", fill_service);
}

void fill_plugin(Parameters& from, Plugin& plugin) {
    plugin.name = from.text("name");
    plugin.kind = from.text("kind");
    plugin.state = from.text("state");
    plugin.version = from.text("version");
    plugin.path = from.text("path");
    plugin.finders = from.number("finders");
    plugin.failures = from.number("failures");
    plugin.problem = from.optional_text("problem", longest_text).value_or("");
}

void fill_plugins(Parameters& from, std::vector<Plugin>& plugins) {
    plugins = read_all<Plugin>(from, "plugins", fill_plugin);
}

void fill_key(Parameters& from, Credential::Key& key) {
    key.principal = from.text("principal");
    key.kvno = from.number("kvno");
    key.enctype = from.text("enctype");
}

void fill_credential(Parameters& from, Credential& credential) {
    credential.identity = from.text("identity");
    credential.principal = from.text("principal");
    credential.keytab = from.optional_text("keytab").value_or("");
    credential.keys = read_all<Credential::Key>(from, "keys", fill_key);
    credential.expires = from.optional_number("expires").value_or(0);
    credential.renews = from.optional_number("renews").value_or(0);
    credential.failure = from.optional_text("failure", longest_text).value_or("");
    credential.hint = from.optional_text("hint", longest_text).value_or("");
    credential.failed_at = from.optional_number("failedAt").value_or(0);
}

void fill_credentials(Parameters& from, std::vector<Credential>& credentials) {
    credentials = read_all<Credential>(from, "credentials", fill_credential);
}

void fill_past_request(Parameters& from, PastRequest& past) {
    past.method = from.text("method");
    past.result = from.text("result");
    past.message = from.text("message", longest_text);
    past.hint = from.text("hint", longest_text);
}

void fill_summary(Parameters& from, RequestSummary& request) {
    request.request = from.text("request");
    request.method = from.text("method");
    request.service = from.text("service");
    request.caller_uid = from.number("callerUid");
    request.result = from.text("result");
    request.ended = from.number("ended");
}

void fill_requests(Parameters& from, std::vector<RequestSummary>& requests) {
    requests = read_all<RequestSummary>(from, "requests", fill_summary);
}

void fill_metrics(Parameters& from, std::string& text) { text = from.text("text", longest_metrics); }

void fill_change(Parameters& from, Change& change) {
    change.key = from.text("key", longest_text);
    change.waits_for = from.optional_text("waitsFor").value_or("");
}

void fill_reloaded(Parameters& from, Reloaded& reloaded) {
    reloaded.changes = read_all<Change>(from, "changes", fill_change);
    reloaded.notes = from.texts("notes");
}

void fill_event(Parameters& from, Event& event) {
    event.at = std::chrono::milliseconds(from.number("milliseconds"));
    event.message = from.text("message", longest_text);
    event.decision = from.optional_text("decision").value_or("");
    event.request = from.optional_text("request").value_or("");
    event.channel = from.optional_text("channel").value_or("");
}

}  // namespace

json::object to_json(const Request& request) {
    json::object object;
    if (!request.service.empty()) object["service"] = request.service;
    if (request.rpc_program) object["rpcProgram"] = *request.rpc_program;
    if (request.rpc_version) object["rpcVersion"] = *request.rpc_version;
    if (!request.keywords.empty()) {
        auto& keywords = object["keywords"].emplace_array();
        for (const auto& keyword : request.keywords) keywords.emplace_back(keyword);
    }
    if (request.instance) object["instance"] = *request.instance;
    if (request.host) object["host"] = *request.host;
    if (request.credential_cache) object["credentialCache"] = *request.credential_cache;
    if (request.minimum_lifetime) object["minimumLifetimeSeconds"] = request.minimum_lifetime->count();
    if (request.timeout) object["timeoutMilliseconds"] = request.timeout->count();
    return object;
}

Result<OpenChannel> read_opened(varlink::Reply& reply) {
    return read<OpenChannel>(reply.parameters, &reply.descriptors, fill_opened);
}
Result<OpenChannel> read_accepted(varlink::Reply& reply) {
    return read<OpenChannel>(reply.parameters, &reply.descriptors, fill_accepted);
}
Result<Plan> read_plan(varlink::Reply& reply) { return read<Plan>(reply.parameters, nullptr, fill_plan); }
Result<Found> read_found(varlink::Reply& reply) { return read<Found>(reply.parameters, nullptr, fill_found); }
Result<ChannelFacts> read_whois(varlink::Reply& reply) {
    return read<ChannelFacts>(reply.parameters, nullptr, fill_whois);
}
Result<std::vector<ChannelFacts>> read_channels(varlink::Reply& reply) {
    return read<std::vector<ChannelFacts>>(reply.parameters, nullptr, fill_channels);
}
Result<Status> read_status(varlink::Reply& reply) {
    return read<Status>(reply.parameters, nullptr, fill_status);
}

Result<std::vector<Service>> read_services(varlink::Reply& reply) {
    return read<std::vector<Service>>(reply.parameters, nullptr, fill_services);
}
Result<std::vector<Plugin>> read_plugins(varlink::Reply& reply) {
    return read<std::vector<Plugin>>(reply.parameters, nullptr, fill_plugins);
}
Result<std::vector<Credential>> read_credentials(varlink::Reply& reply) {
    return read<std::vector<Credential>>(reply.parameters, nullptr, fill_credentials);
}
Result<PastRequest> read_past_request(varlink::Reply& reply) {
    return read<PastRequest>(reply.parameters, nullptr, fill_past_request);
}
Result<std::vector<RequestSummary>> read_requests(varlink::Reply& reply) {
    return read<std::vector<RequestSummary>>(reply.parameters, nullptr, fill_requests);
}
Result<LogLevel> read_log_level(varlink::Reply& reply) {
    return read<LogLevel>(reply.parameters, nullptr, [](Parameters& from, LogLevel& level) {
        level.level = from.text("level");
        level.notes = from.texts("notes");
    });
}

Result<Reloaded> read_reloaded(varlink::Reply& reply) {
    return read<Reloaded>(reply.parameters, nullptr, fill_reloaded);
}
Result<std::string> read_metrics(varlink::Reply& reply) {
    return read<std::string>(reply.parameters, nullptr, fill_metrics);
}
Result<bool> read_nothing(varlink::Reply&) { return true; }

Result<std::optional<Event>> read_event(varlink::Reply& reply) {
    const json::value* found = reply.parameters.if_contains("event");
    if (!found || !found->is_object()) return std::optional<Event>{};
    auto event = read<Event>(found->get_object(), nullptr, fill_event);
    if (!event) return std::move(event).error();
    const json::value* lost = reply.parameters.if_contains("lost");
    if (lost && lost->is_int64()) event->lost = lost->get_int64();
    return std::optional<Event>(std::move(*event));
}

Result<std::optional<Explanation>> read_explanation(const varlink::Reply& reply) {
    const json::value* found = reply.parameters.if_contains("explanation");
    if (!found || !found->is_object()) return std::optional<Explanation>{};
    auto explanation = read<Explanation>(found->get_object(), nullptr, fill_explanation);
    if (!explanation) return std::move(explanation).error();
    return std::optional<Explanation>(std::move(*explanation));
}

json::object without_descriptors(json::object parameters) {
    constexpr std::string_view suffix = "FileDescriptor";
    for (auto field = parameters.begin(); field != parameters.end();) {
        const std::string_view key(field->key().data(), field->key().size());
        field = key.ends_with(suffix) ? parameters.stable_erase(field) : field + 1;
    }
    return parameters;
}

}  // namespace mutual::client
