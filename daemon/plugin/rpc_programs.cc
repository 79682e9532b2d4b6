// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin/rpc_programs.h"

#include "daemon/plugin/rpc_requests.h"

namespace mutual::plugin {
namespace {

constexpr std::string_view interface = "org.mutuald.Plugins";
constexpr std::size_t finders = 4;
constexpr std::chrono::seconds time_to_end{2};

varlink::Reply refusal(const Error& error) { return varlink::failure(interface, error); }

varlink::Reply reply_of(const Result<void>& done) { return done ? varlink::Reply() : refusal(done.error()); }

std::shared_ptr<FinderPool> pool_of_finders(asio::io_context& loop, const FinderPool::Complaint& complaint) {
    PluginDefinition definition;
    definition.name = "rpcbind";
    definition.finders = finders;
    return std::make_shared<FinderPool>(loop, std::move(definition), complaint);
}

}  // namespace

RpcPrograms::RpcPrograms(asio::io_context& loop, RpcbindPlace rpcbind, const FinderPool::Complaint& complaint)
    : port_(rpcbind.port),
      finders_(pool_of_finders(loop, complaint)),
      registrations_(loop, std::move(rpcbind.here), complaint) {}

void RpcPrograms::serve(varlink::Service& service) {
    service.method("org.mutuald.Plugins.FindRpc",
                   [this](varlink::Incoming in) { return find(std::move(in)); });
    service.method("org.mutuald.Plugins.RegisterRpc",
                   [this](varlink::Incoming in) { return add(std::move(in)); });
    service.method("org.mutuald.Plugins.UnregisterRpc",
                   [this](varlink::Incoming in) { return remove(std::move(in)); });
    service.method("org.mutuald.Plugins.KeepRpc",
                   [this](varlink::Incoming in) { return keep(std::move(in)); });
}

asio::awaitable<void> RpcPrograms::end() {
    // What could not be removed was complained about.
    const auto removed = co_await registrations_.remove_all(std::chrono::steady_clock::now() + time_to_end);
    static_cast<void>(removed);
}

asio::awaitable<varlink::Reply> RpcPrograms::find(varlink::Incoming incoming) {
    auto call = read_find_rpc(incoming.call);
    if (!call) co_return refusal(call.error());
    const auto deadline = std::chrono::steady_clock::now() + call->timeout;
    const auto place = co_await finders_->find_rpc(std::move(call->query), port_, deadline);
    if (!place) co_return refusal(place.error());
    co_return to_reply(*place);
}

asio::awaitable<varlink::Reply> RpcPrograms::add(varlink::Incoming incoming) {
    auto call = read_register_rpc(incoming.call);
    if (!call) co_return refusal(call.error());
    const auto done = co_await registrations_.set(std::move(call->service), std::move(call->registration));
    co_return reply_of(done);
}

asio::awaitable<varlink::Reply> RpcPrograms::remove(varlink::Incoming incoming) {
    auto service = read_unregister_rpc(incoming.call);
    if (!service) co_return refusal(service.error());
    const auto done = co_await registrations_.remove(std::move(*service));
    co_return reply_of(done);
}

asio::awaitable<varlink::Reply> RpcPrograms::keep(varlink::Incoming incoming) {
    const auto services = read_keep_rpc(incoming.call);
    if (!services) co_return refusal(services.error());
    registrations_.keep(*services);
    co_return reply_of({});
}

}  // namespace mutual::plugin
