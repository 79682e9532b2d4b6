// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin/supervisor.h"

#include <unistd.h>

#include <boost/asio/co_spawn.hpp>

#include "daemon/plugin/query.h"
#include "varlink/interfaces.h"
#include "varlink/parameters.h"

namespace mutual::plugin {
namespace {

constexpr std::string_view interface = "org.mutuald.Plugins";
constexpr std::size_t name_finders = 4;
constexpr std::int64_t longest_timeout = 600'000;

varlink::Reply refusal(const Error& error) { return varlink::failure(interface, error); }

// Read with every call; a call of another version is refused before anything else is looked at.
Result<void> check_version(std::int64_t version) {
    if (version == varlink::internal_version) return {};
    return Error{Code::unavailable, Stage::request,
                 "this mutuald-plugin speaks version " + std::to_string(varlink::internal_version) +
                     " of the internal protocol, the caller version " + std::to_string(version),
                 "restart all of mutuald's programs after an upgrade"};
}

Deadline deadline_in(std::int64_t milliseconds) {
    return std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
}

struct FindCall {
    std::string plugin;
    FindRequest request;
    Deadline deadline;
};

Result<FindCall> read_find(varlink::Call& call) {
    varlink::Parameters in(call.parameters, &call.descriptors, "Find");
    const auto version = in.number("version");
    FindCall find;
    find.plugin = in.text("plugin", 256);
    const auto query = in.object("query");
    find.deadline = deadline_in(in.number("timeoutMilliseconds", 1, longest_timeout));
    find.request.tickets = in.optional_descriptor("ticketsFileDescriptor");
    find.request.tickets_principal = in.optional_text("ticketsPrincipal").value_or("");
    auto finished = in.finish();
    if (auto checked = check_version(version); finished && !checked) return checked.error();
    if (!finished) return finished.error();
    auto read = read_query(query);
    if (!read) return read.error();
    find.request.query = std::move(*read);
    return find;
}

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

void Supervisor::use(const std::vector<PluginDefinition>& definitions) {
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
    asio::co_spawn(loop_, pool->warm_up(deadline_in(10'000)), std::move(done));
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
    const auto findings = co_await pool->find(std::move(call->request), call->deadline);
    co_return reply_of(*findings);
}

asio::awaitable<varlink::Reply> Supervisor::resolve(varlink::Incoming incoming) {
    varlink::Parameters in(incoming.call.parameters, nullptr, "Resolve");
    const auto version = in.number("version");
    auto host = in.text("host", 255);
    const auto deadline = deadline_in(in.number("timeoutMilliseconds", 1, longest_timeout));
    auto finished = in.finish();
    if (finished) finished = check_version(version);
    if (!finished) co_return refusal(finished.error());
    const auto addresses = co_await names_->resolve(std::move(host), deadline);
    if (!addresses) co_return refusal(addresses.error());
    varlink::Reply reply;
    reply.parameters["addresses"] = json::array(addresses->begin(), addresses->end());
    co_return reply;
}

asio::awaitable<varlink::Reply> Supervisor::status(varlink::Incoming incoming) {
    varlink::Parameters in(incoming.call.parameters, nullptr, "Status");
    const auto version = in.number("version");
    auto finished = in.finish();
    if (finished) finished = check_version(version);
    if (!finished) co_return refusal(finished.error());
    json::array plugins;
    for (const auto& each : pools_) plugins.push_back(to_json(*each.second));
    varlink::Reply reply;
    reply.parameters["pid"] = ::getpid();
    reply.parameters["plugins"] = std::move(plugins);
    co_return reply;
}

}  // namespace mutual::plugin
