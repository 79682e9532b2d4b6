// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/parts.h"

#include "varlink/deadline.h"
#include "varlink/interfaces.h"
#include "varlink/parameters.h"

namespace mutual::broker {

namespace json = boost::json;

namespace {

asio::awaitable<Result<varlink::Reply>> tell(asio::io_context& loop, ConnectionPool& pool,
                                             varlink::Call call) {
    Error late(Code::timed_out, Stage::request, pool.program() + " did not answer within a second");
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    co_return co_await varlink::with_deadline(loop, pool.call(std::move(call)), deadline, std::move(late));
}

asio::awaitable<Result<varlink::Reply>> ask(asio::io_context& loop, ConnectionPool& pool,
                                            std::string interface) {
    varlink::Call call;
    call.method = interface + ".Status";
    call.parameters["version"] = varlink::internal_version;
    return tell(loop, pool, std::move(call));
}

Part failed(const std::string& program, const Error& error) {
    return {program, "failed", 0, to_string(error)};
}

std::string counted(varlink::Parameters& parameters, std::string_view field, std::string_view what) {
    return std::to_string(parameters.number(field)) + " " + std::string(what);
}

Part keys_part(const varlink::Reply& reply) {
    varlink::Parameters parameters(reply.parameters);
    Part part{"mutuald-keys", "running", parameters.number("pid"), ""};
    part.detail = counted(parameters, "grants", "grants, ") + counted(parameters, "contexts", "contexts, ") +
                  counted(parameters, "fetchers", "fetchers");
    return part;
}

// Its own restart, or a reload of its unit alone, may have given it another configuration than ours.
std::string difference(Broker& broker, const std::string& fingerprint) {
    if (fingerprint == broker.configuration->fingerprint) {
        broker.plugins_fingerprint.clear();
        return {};
    }
    const std::string text = "uses another configuration than mutuald: run mutualctl reload";
    if (broker.plugins_fingerprint != fingerprint) broker.log.warning("mutuald-plugin " + text);
    broker.plugins_fingerprint = fingerprint;
    return text;
}

void add_plugins(Broker& broker, const varlink::Reply& reply, Parts& parts) {
    varlink::Parameters parameters(reply.parameters);
    const std::int64_t pid = parameters.number("pid");
    const std::string fingerprint = parameters.optional_text("fingerprint").value_or("unknown");
    parts.rows.push_back({"mutuald-plugin", "running", pid, difference(broker, fingerprint)});
    for (const json::object& entry : parameters.objects("plugins")) {
        varlink::Parameters plugin(entry);
        Part part{"plugin " + plugin.text("name"), plugin.text("state"), 0, plugin.text("path")};
        if (const auto problem = plugin.optional_object("problem"))
            part.detail.append(": ").append(varlink::Parameters(*problem).text("message"));
        parts.rows.push_back(std::move(part));
    }
}

void add_channel(const std::string& program, const varlink::Reply& reply, Parts& parts) {
    varlink::Parameters parameters(reply.parameters);
    const std::int64_t channels = parameters.number("channels");
    parts.channels += channels;
    parts.rows.push_back({program, "running", parameters.number("pid"),
                          std::to_string(channels) + " channels, " +
                              counted(parameters, "handshakes", "handshakes, ") +
                              counted(parameters, "loops", "loops")});
}

}  // namespace

json::object to_json(const Part& part) {
    json::object object;
    object["name"] = part.name;
    object["state"] = part.state;
    object["pid"] = part.pid;
    object["detail"] = part.detail;
    return object;
}

asio::awaitable<Parts> ask_parts(Broker& broker) {
    Parts parts;
    Result<varlink::Reply> keys = co_await ask(broker.loop, broker.programs.keys, "org.mutuald.Keys");
    parts.rows.push_back(keys ? keys_part(*keys) : failed("mutuald-keys", keys.error()));
    Result<varlink::Reply> plugins =
        co_await ask(broker.loop, broker.programs.plugins, "org.mutuald.Plugins");
    if (plugins)
        add_plugins(broker, *plugins, parts);
    else
        parts.rows.push_back(failed("mutuald-plugin", plugins.error()));
    for (auto& [transport, pool] : broker.programs.channels) {
        Result<varlink::Reply> channel = co_await ask(broker.loop, pool, "org.mutuald.Channel");
        if (channel)
            add_channel(pool.program(), *channel, parts);
        else
            parts.rows.push_back(failed(pool.program(), channel.error()));
    }
    co_return parts;
}

asio::awaitable<std::vector<std::string>> set_log_level(Broker& broker, unit::Priority level) {
    std::vector<std::pair<ConnectionPool*, std::string>> programs{
        {&broker.programs.keys, "org.mutuald.Keys"}, {&broker.programs.plugins, "org.mutuald.Plugins"}};
    for (auto& [transport, pool] : broker.programs.channels)
        programs.emplace_back(&pool, "org.mutuald.Channel");
    std::vector<std::string> notes;
    for (auto& [pool, interface] : programs) {
        varlink::Call call;
        call.method = interface + ".SetLogLevel";
        call.parameters["level"] = unit::name(level);
        Result<varlink::Reply> told = co_await tell(broker.loop, *pool, std::move(call));
        if (!told) notes.push_back(pool->program() + " keeps its level: " + to_string(told.error()));
    }
    co_return notes;
}

asio::awaitable<Result<json::array>> list_discovery_plugins(Broker& broker) {
    Result<varlink::Reply> reply = co_await ask(broker.loop, broker.programs.plugins, "org.mutuald.Plugins");
    if (!reply) co_return reply.error();
    varlink::Parameters parameters(reply->parameters, nullptr, "Status");
    json::array plugins;
    for (const json::object& entry : parameters.objects("plugins")) {
        json::object plugin = entry;
        plugin["kind"] = "discovery";
        if (const auto problem = plugin.find("problem"); problem != plugin.end())
            problem->value() = varlink::Parameters(problem->value().as_object()).text("message");
        plugins.push_back(std::move(plugin));
    }
    if (Result<void> finished = parameters.finish_loosely(); !finished) co_return finished.error();
    co_return plugins;
}

}  // namespace mutual::broker
