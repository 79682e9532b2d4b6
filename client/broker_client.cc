// SPDX-License-Identifier: Apache-2.0
#include "client/broker_client.h"

namespace mutual::client {

namespace {

using varlink::Deadline;

// For questions that the broker answers from memory.
constexpr std::chrono::seconds quick{30};

Deadline after(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

Deadline deadline_of(std::optional<std::chrono::milliseconds> timeout) {
    return timeout ? after(*timeout + grace) : varlink::no_deadline;
}

}  // namespace

Error not_served(Error error, const std::string& path) {
    error.hint =
        "is mutuald running? start it with 'systemctl start mutuald', or without systemd with 'mutuald "
        "--all'";
    if (error.message.find(path) == std::string::npos)
        error.message.append(" (socket ").append(path).append(")");
    return error;
}

BrokerClient::BrokerClient(UniqueFd socket) : connection_(std::move(socket), reply_limits) {}

Result<BrokerClient> BrokerClient::connect(const std::string& path) {
    auto socket = varlink::connect_unix(path, after(quick));
    if (socket) return BrokerClient(std::move(*socket));
    return not_served(std::move(socket).error(), path);
}

template <class T>
Answer<T> BrokerClient::ask(std::string_view method, json::object parameters, Deadline deadline,
                            Result<T> (*read)(varlink::Reply&)) {
    varlink::Call call;
    call.method.append(broker_name).append(".").append(method);
    call.parameters = std::move(parameters);
    return answer_of(connection_.call_raw(std::move(call), deadline), read);
}

Answer<OpenChannel> BrokerClient::open(const Request& request) {
    return ask("Open", {{"request", to_json(request)}}, deadline_of(request.timeout), read_opened);
}

Answer<OpenChannel> BrokerClient::accept(const std::string& service,
                                         std::optional<std::chrono::milliseconds> timeout) {
    json::object parameters{{"service", service}};
    if (timeout) parameters["timeoutMilliseconds"] = timeout->count();
    return ask("Accept", std::move(parameters), deadline_of(timeout), read_accepted);
}

Answer<Plan> BrokerClient::plan(const Request& request) {
    return ask("Plan", {{"request", to_json(request)}}, deadline_of(request.timeout), read_plan);
}

Answer<Found> BrokerClient::find(const Request& request) {
    return ask("Find", {{"request", to_json(request)}}, deadline_of(request.timeout), read_found);
}

Answer<ChannelFacts> BrokerClient::whois(const std::string& channel) {
    return ask("WhoIs", {{"channel", channel}}, after(quick), read_whois);
}

Answer<ChannelFacts> BrokerClient::whois_cookie(std::uint64_t cookie) {
    return ask("WhoIs", {{"cookie", static_cast<std::int64_t>(cookie)}}, after(quick), read_whois);
}

Answer<ChannelFacts> BrokerClient::whois_stamp(const std::string& service, std::uint32_t stamp) {
    return ask("WhoIs", {{"service", service}, {"stamp", stamp}}, after(quick), read_whois);
}

Answer<std::vector<ChannelFacts>> BrokerClient::list_channels() {
    return ask("ListChannels", {}, after(quick), read_channels);
}

Answer<Status> BrokerClient::status() { return ask("Status", {}, after(quick), read_status); }

Answer<bool> BrokerClient::close_channel(const std::string& channel) {
    return ask("CloseChannel", {{"channel", channel}}, after(quick), read_nothing);
}

Answer<std::vector<Service>> BrokerClient::list_services() {
    return ask("ListServices", {}, after(quick), read_services);
}

Answer<std::vector<Plugin>> BrokerClient::list_plugins() {
    return ask("ListPlugins", {}, after(quick), read_plugins);
}

Answer<std::vector<Credential>> BrokerClient::list_credentials(const std::optional<std::string>& cache) {
    json::object parameters;
    if (cache) parameters["credentialCache"] = *cache;
    return ask("ListCredentials", std::move(parameters), after(quick), read_credentials);
}

Answer<PastRequest> BrokerClient::explain(const std::string& request) {
    return ask("Explain", {{"request", request}}, after(quick), read_past_request);
}

Answer<std::vector<RequestSummary>> BrokerClient::list_requests() {
    return ask("ListRequests", {}, after(quick), read_requests);
}

Answer<std::string> BrokerClient::metrics() { return ask("Metrics", {}, after(quick), read_metrics); }

Answer<Reloaded> BrokerClient::reload() { return ask("Reload", {}, after(quick), read_reloaded); }

Answer<LogLevel> BrokerClient::log_level(const std::string& level) {
    json::object parameters;
    if (!level.empty()) parameters["level"] = level;
    return ask("LogLevel", std::move(parameters), after(quick), read_log_level);
}

Answer<std::optional<Event>> BrokerClient::monitor() {
    varlink::Call call;
    call.method.append(broker_name).append(".Monitor");
    call.more = true;
    return answer_of(connection_.call_raw(std::move(call), after(quick)), read_event);
}

Answer<std::optional<Event>> BrokerClient::next_event() { return answer_of(connection_.next(), read_event); }

Result<varlink::Reply> BrokerClient::call(std::string method, json::object parameters) {
    varlink::Call call;
    call.method = std::move(method);
    call.parameters = std::move(parameters);
    return connection_.call_raw(std::move(call));
}

}  // namespace mutual::client
