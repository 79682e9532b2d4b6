// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin/supervisor.h"

#include <unistd.h>

#include <boost/asio/co_spawn.hpp>

#include "daemon/plugin/query.h"
#include "daemon/plugin/requests.h"
#include "varlink/interfaces.h"

namespace mutual::plugin {
namespace {

constexpr std::string_view interface = "org.mutuald.Plugins";
constexpr std::size_t name_finders = 4;

varlink::Reply refusal(const Error& error) { return varlink::failure(interface, error); }

varlink::Reply reply_of(const Findings& findings) {
    varlink::Reply reply;
    reply.parameters["candidates"] = findings.candidates;
    reply.parameters["notes"] = findings.notes;
    reply.parameters["complete"] = findings.complete;
    if (findings.problem) reply.parameters["problem"] = to_json(*findings.problem);
    return reply;
}

json::object to_json(const FinderPool& pool) {
    const auto status = pool.status();
    json::object text;
    text["name"] = pool.definition().name;
    text["path"] = pool.definition().path;
    text["version"] = status.version;
    text["state"] = status.state;
    text["finders"] = status.finders;
    text["failures"] = status.failures;
    if (status.problem) text["problem"] = plugin::to_json(*status.problem);
    return text;
}

}  // namespace

Supervisor::Supervisor(asio::io_context& loop, FinderPool::Complaint complaint)
    : loop_(loop), complaint_(std::move(complaint)) {
    PluginDefinition names;
    names.name = "names";
    names.finders = name_finders;
    names_ = std::make_shared<FinderPool>(loop_, std::move(names), complaint_);
}

void Supervisor::use(const std::vector<PluginDefinition>& definitions, const std::string& fingerprint) {
    fingerprint_ = fingerprint;
    auto old = std::move(pools_);
    pools_.clear();
    for (const auto& definition : definitions) {
        const auto kept = old.find(definition.name);
        if (kept != old.end() && kept->second->definition() == definition) {
            pools_[definition.name] = kept->second;
            continue;
        }
        auto pool = std::make_shared<FinderPool>(loop_, definition, complaint_);
        pools_[definition.name] = pool;
        if (definition.warm) warm_up(pool);
    }
}

void Supervisor::warm_up(const std::shared_ptr<FinderPool>& pool) {
    // The pool itself reports and remembers what went wrong.
    auto done = [complaint = complaint_, pool](std::exception_ptr failure, const Result<void>&) {
        if (failure) complaint("a finder of plugin " + pool->definition().name + " could not be started");
    };
    asio::co_spawn(loop_, pool->warm_up(std::chrono::steady_clock::now() + std::chrono::seconds(10)),
                   std::move(done));
}

void Supervisor::serve(varlink::Service& service) {
    service.describe(varlink::plugins_interface);
    service.method("org.mutuald.Plugins.Find", [this](varlink::Incoming in) { return find(std::move(in)); });
    service.method("org.mutuald.Plugins.Resolve",
                   [this](varlink::Incoming in) { return resolve(std::move(in)); });
    service.method("org.mutuald.Plugins.Status",
                   [this](varlink::Incoming in) { return status(std::move(in)); });
}

asio::awaitable<varlink::Reply> Supervisor::find(varlink::Incoming incoming) {
    auto call = read_find(incoming.call);
    if (!call) co_return refusal(call.error());
    const auto found = pools_.find(call->plugin);
    if (found == pools_.end())
        co_return refusal(Error(Code::invalid_configuration, Stage::discovery,
                                "no discovery plugin " + call->plugin + " is configured"));
    // A reload may drop the pool meanwhile.
    const auto pool = found->second;
    const auto findings =
        co_await pool->find(std::move(call->request), std::chrono::steady_clock::now() + call->timeout);
    co_return reply_of(*findings);
}

asio::awaitable<varlink::Reply> Supervisor::resolve(varlink::Incoming incoming) {
    auto call = read_resolve(incoming.call);
    if (!call) co_return refusal(call.error());
    const auto deadline = std::chrono::steady_clock::now() + call->timeout;
    const auto addresses = co_await names_->resolve(std::move(call->host), deadline);
    if (!addresses) co_return refusal(addresses.error());
    varlink::Reply reply;
    reply.parameters["addresses"] = json::array(addresses->begin(), addresses->end());
    co_return reply;
}

asio::awaitable<varlink::Reply> Supervisor::status(varlink::Incoming incoming) {
    const auto read = read_status(incoming.call);
    if (!read) co_return refusal(read.error());
    json::array plugins;
    for (const auto& each : pools_) plugins.push_back(to_json(*each.second));
    varlink::Reply reply;
    reply.parameters["pid"] = ::getpid();
    reply.parameters["fingerprint"] = fingerprint_;
    reply.parameters["plugins"] = std::move(plugins);
    co_return reply;
}

}  // namespace mutual::plugin
