// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/plugins_messages.h"

#include <boost/json/array.hpp>

#include "varlink/parameters.h"

namespace mutual::broker {

namespace json = boost::json;

namespace {

Result<Candidate> read_candidate(const json::object& object) {
    varlink::Parameters parameters(object, nullptr, "Candidate");
    Candidate candidate;
    candidate.host = parameters.text("host", 255);
    candidate.port = static_cast<std::uint16_t>(parameters.number("port", 0, 65535));
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

Error read_problem(varlink::Parameters& outer, const json::object& object) {
    varlink::Parameters parameters(object);
    Error error;
    error.code = code_named(parameters.text("code")).value_or(Code::internal);
    error.stage = stage_named(parameters.text("stage")).value_or(Stage::discovery);
    error.message = parameters.text("message");
    error.hint = parameters.text("hint");
    if (auto finished = parameters.finish_loosely(); !finished)
        outer.fault("problem", finished.error().message);
    return error;
}

PluginState read_state(varlink::Parameters& outer, const json::object& object) {
    varlink::Parameters parameters(object);
    PluginState plugin;
    plugin.name = parameters.text("name");
    plugin.path = parameters.text("path");
    plugin.version = parameters.text("version");
    plugin.state = parameters.text("state");
    plugin.finders = parameters.number("finders");
    plugin.failures = parameters.number("failures");
    if (const auto problem = parameters.optional_object("problem"))
        plugin.problem = read_problem(parameters, *problem);
    if (auto finished = parameters.finish_loosely(); !finished)
        outer.fault("plugins", finished.error().message);
    return plugin;
}

}  // namespace

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
    if (const auto problem = parameters.optional_object("problem"))
        found.problem = read_problem(parameters, *problem);
    if (Result<void> finished = parameters.finish_loosely(); !finished) {
        found.problem = finished.error();
        found.problem->stage = Stage::discovery;
    }
    return found;
}

Result<std::vector<std::string>> read_addresses(const varlink::Reply& reply) {
    varlink::Parameters parameters(reply.parameters, nullptr, "Resolve");
    std::vector<std::string> addresses = parameters.texts("addresses", 64, 64);
    if (Result<void> finished = parameters.finish_loosely(); !finished) return finished.error();
    return addresses;
}

Result<RpcPlace> read_rpc_place(const varlink::Reply& reply) {
    varlink::Parameters parameters(reply.parameters, nullptr, "FindRpc");
    RpcPlace place;
    place.address = parameters.text("address", 64);
    place.port = static_cast<std::uint16_t>(parameters.number("port", 1, 65535));
    place.how = parameters.text("how", 64);
    if (Result<void> finished = parameters.finish_loosely(); !finished) return finished.error();
    return place;
}

Result<PluginsStatus> read_plugins_status(const varlink::Reply& reply) {
    varlink::Parameters parameters(reply.parameters, nullptr, "Status");
    PluginsStatus status;
    status.pid = parameters.number("pid");
    status.fingerprint = parameters.text("fingerprint");
    for (const json::object& entry : parameters.objects("plugins"))
        status.plugins.push_back(read_state(parameters, entry));
    if (Result<void> finished = parameters.finish_loosely(); !finished) return finished.error();
    return status;
}

}  // namespace mutual::broker
