// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/parts.h"

#include "daemon/broker/plugins_messages.h"
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

void add_keys(const varlink::Reply& reply, Parts& parts) {
    varlink::Parameters parameters(reply.parameters, nullptr, "Status");
    Part part{"mutuald-keys", "running", parameters.number("pid"), ""};
    part.detail = counted(parameters, "grants", "grants, ") + counted(parameters, "contexts", "contexts, ") +
                  counted(parameters, "fetchers", "fetchers");
    const Result<void> finished = parameters.finish_loosely();
    parts.rows.push_back(finished ? std::move(part) : failed(part.name, finished.error()));
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

void add_plugins(Broker& broker, const PluginsStatus& status, Parts& parts) {
    parts.rows.push_back({"mutuald-plugin", "running", status.pid, difference(broker, status.fingerprint)});
    for (const PluginState& plugin : status.plugins) {
        Part part{"plugin " + plugin.name, plugin.state, 0, plugin.path};
        if (plugin.problem) part.detail.append(": ").append(plugin.problem->message);
        parts.rows.push_back(std::move(part));
    }
}

void add_channel(const std::string& program, const varlink::Reply& reply, Parts& parts) {
    varlink::Parameters parameters(reply.parameters, nullptr, "Status");
    const std::int64_t channels = parameters.number("channels");
    Part part{program, "running", parameters.number("pid"), std::to_string(channels) + " channels, "};
    part.detail += counted(parameters, "handshakes", "handshakes, ") + counted(parameters, "loops", "loops");
    const Result<void> finished = parameters.finish_loosely();
    if (finished) parts.channels += channels;
    parts.rows.push_back(finished ? std::move(part) : failed(program, finished.error()));
}

asio::awaitable<Result<PluginsStatus>> ask_plugins(Broker& broker) {
    Result<varlink::Reply> reply = co_await ask(broker.loop, broker.programs.plugins, "org.mutuald.Plugins");
    if (!reply) co_return reply.error();
    co_return read_plugins_status(*reply);
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
    if (keys)
        add_keys(*keys, parts);
    else
        parts.rows.push_back(failed("mutuald-keys", keys.error()));
    const Result<PluginsStatus> plugins = co_await ask_plugins(broker);
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
    const Result<PluginsStatus> status = co_await ask_plugins(broker);
    if (!status) co_return status.error();
    json::array plugins;
    for (const PluginState& plugin : status->plugins) {
        json::object object;
        object["name"] = plugin.name;
        object["kind"] = "discovery";
        object["state"] = plugin.state;
        object["version"] = plugin.version;
        object["path"] = plugin.path;
        object["finders"] = plugin.finders;
        object["failures"] = plugin.failures;
        if (plugin.problem) object["problem"] = plugin.problem->message;
        plugins.push_back(std::move(object));
    }
    co_return plugins;
}

}  // namespace mutual::broker
