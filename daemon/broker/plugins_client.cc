// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/plugins_client.h"

#include <boost/json/array.hpp>

#include "varlink/interfaces.h"
#include "varlink/parameters.h"

namespace mutual::broker {

namespace json = boost::json;

namespace {

varlink::Call call_of(std::string_view method) {
    varlink::Call call;
    call.method = std::string("org.mutuald.Plugins.").append(method);
    call.parameters["version"] = varlink::internal_version;
    return call;
}

json::object to_json(const Query& query) {
    json::object object;
    object["serviceClass"] = query.service_class;
    object["keywords"] = json::array(query.keywords.begin(), query.keywords.end());
    object["instance"] = query.instance;
    object["host"] = query.host;
    object["rpcProgram"] = query.rpc_program;
    object["rpcVersion"] = query.rpc_version;
    object["base"] = query.base;
    object["limit"] = query.limit;
    return object;
}

Result<Candidate> read_candidate(const json::object& object) {
    varlink::Parameters parameters(object, nullptr, "Candidate");
    Candidate candidate;
    candidate.host = parameters.text("host", 255);
    candidate.port = static_cast<std::uint16_t>(parameters.number("port", 1, 65535));
    candidate.transport = parameters.text("transport", 64);
    candidate.service_class = parameters.text("serviceClass", 256);
    candidate.spn_host = parameters.text("spnHost", 255);
    candidate.spn_port = static_cast<std::uint16_t>(parameters.number("spnPort", 0, 65535));
    candidate.service_name = parameters.text("serviceName", 1024);
    candidate.priority = static_cast<std::uint32_t>(parameters.number("priority", 0, 65535));
    candidate.weight = static_cast<std::uint32_t>(parameters.number("weight", 0, 65535));
    candidate.trust = static_cast<SourceTrust>(
        parameters.choice("trust", {"unauthenticated", "authenticated", "administrator"}));
    candidate.source = parameters.text("source", 1024);
    candidate.version = parameters.text("version", 256);
    candidate.ttl = std::chrono::seconds(parameters.number("ttlSeconds", 0, 86400));
    if (Result<void> finished = parameters.finish_loosely(); !finished) return finished.error();
    return candidate;
}

Error read_problem(const json::object& object) {
    varlink::Parameters parameters(object, nullptr, "Problem");
    Error error;
    error.code = code_named(parameters.text("code")).value_or(Code::internal);
    error.stage = stage_named(parameters.text("stage")).value_or(Stage::discovery);
    error.message = parameters.text("message");
    error.hint = parameters.text("hint");
    return error;
}

Found read_found(const varlink::Reply& reply) {
    Found found;
    varlink::Parameters parameters(reply.parameters, nullptr, "Find");
    for (const json::object& entry : parameters.objects("candidates", 1000)) {
        Result<Candidate> candidate = read_candidate(entry);
        if (candidate)
            found.candidates.push_back(std::move(*candidate));
        else
            found.notes.push_back("skipped what the plugin reported: " + candidate.error().message);
    }
    for (std::string& note : parameters.texts("notes", 1000)) found.notes.push_back(std::move(note));
    if (const auto problem = parameters.optional_object("problem")) found.problem = read_problem(*problem);
    if (Result<void> finished = parameters.finish_loosely(); !finished) {
        found.problem = finished.error();
        found.problem->stage = Stage::discovery;
    }
    return found;
}

}  // namespace

asio::awaitable<Found> PluginsClient::find(std::string plugin, Query query, UniqueFd tickets,
                                           std::string principal, std::chrono::milliseconds timeout) {
    varlink::Call call = call_of("Find");
    call.parameters["plugin"] = plugin;
    call.parameters["query"] = to_json(query);
    call.parameters["timeoutMilliseconds"] = timeout.count();
    if (tickets) {
        call.parameters["ticketsFileDescriptor"] = 0;
        call.parameters["ticketsPrincipal"] = principal;
        call.descriptors.push_back(std::move(tickets));
    }
    Result<varlink::Reply> reply = co_await pool_.call(std::move(call));
    if (reply) co_return read_found(*reply);
    Found failed;
    failed.problem = reply.error();
    co_return failed;
}

asio::awaitable<Result<std::vector<std::string>>> PluginsClient::resolve(std::string host,
                                                                         std::chrono::milliseconds timeout) {
    varlink::Call call = call_of("Resolve");
    call.parameters["host"] = host;
    call.parameters["timeoutMilliseconds"] = timeout.count();
    Result<varlink::Reply> reply = co_await pool_.call(std::move(call));
    if (!reply) co_return reply.error();
    varlink::Parameters parameters(reply->parameters, nullptr, "Resolve");
    std::vector<std::string> addresses = parameters.texts("addresses", 64, 64);
    if (Result<void> finished = parameters.finish_loosely(); !finished) co_return finished.error();
    co_return addresses;
}

}  // namespace mutual::broker
