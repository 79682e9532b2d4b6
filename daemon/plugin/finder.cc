// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin/finder.h"

#include "daemon/plugin/query.h"
#include "daemon/plugin/resolve.h"
#include "varlink/parameters.h"

namespace mutual::plugin {
namespace {

varlink::Call find_call(FindRequest request, std::chrono::milliseconds timeout) {
    varlink::Call call;
    call.method = "org.mutuald.Finder.Find";
    call.more = true;
    call.parameters["query"] = to_json(request.query);
    call.parameters["timeoutMilliseconds"] = timeout.count();
    if (request.tickets) {
        call.parameters["ticketsFileDescriptor"] = 0;
        call.parameters["ticketsPrincipal"] = request.tickets_principal;
        call.descriptors.push_back(std::move(request.tickets));
    }
    return call;
}

}  // namespace

Result<std::unique_ptr<Finder>> Finder::start(asio::io_context& loop, const std::string& label) {
    UniqueFd socket;
    auto process = Process::start(loop, label, socket);
    if (!process) return process.error();
    return std::unique_ptr<Finder>(new Finder(loop, std::move(*process), std::move(socket)));
}

Error Finder::breaks(Error error) {
    broken_ = true;
    if (error.code != Code::unavailable) error.code = Code::protocol;
    return error;
}

asio::awaitable<Result<varlink::Reply>> Finder::ask(varlink::Call call) {
    is_free_ = false;
    auto reply = co_await connection_.call_raw(std::move(call));
    if (!reply) co_return breaks(reply.error());
    is_free_ = true;
    if (!reply->error.empty()) co_return varlink::error_of(*reply);
    co_return reply;
}

asio::awaitable<Result<std::string>> Finder::load(std::string name, std::string path, std::string options) {
    varlink::Call call;
    call.method = "org.mutuald.Finder.Load";
    call.parameters["name"] = name;
    call.parameters["path"] = path;
    call.parameters["options"] = options;
    auto reply = co_await ask(std::move(call));
    if (!reply) co_return reply.error();
    varlink::Parameters in(reply->parameters, nullptr, "a finder's answer");
    auto version = in.text("version");
    auto finished = in.finish();
    if (!finished) co_return breaks(finished.error());
    co_return version;
}

asio::awaitable<Result<void>> Finder::find(FindRequest request, std::chrono::milliseconds timeout,
                                           std::shared_ptr<Findings> findings) {
    const auto limit = request.query.limit;
    auto call = find_call(std::move(request), timeout);
    auto reply = co_await connection_.call_raw(std::move(call));
    while (true) {
        if (!reply) co_return breaks(reply.error());
        if (!reply->error.empty()) co_return varlink::error_of(*reply);
        auto added = add_reply(*reply, limit, *findings);
        if (!added) co_return breaks(added.error());
        if (!reply->continues) break;
        reply = co_await connection_.next();
    }
    findings->complete = !findings->problem;
    co_return Result<void>();
}

asio::awaitable<Result<std::vector<std::string>>> Finder::resolve(std::string host) {
    varlink::Call call;
    call.method = "org.mutuald.Finder.Resolve";
    call.parameters["host"] = host;
    auto reply = co_await ask(std::move(call));
    if (!reply) co_return reply.error();
    varlink::Parameters in(reply->parameters, nullptr, "a finder's answer");
    auto addresses = in.texts("addresses", most_addresses, 64);
    auto finished = in.finish();
    if (!finished) co_return breaks(finished.error());
    co_return addresses;
}

asio::awaitable<Result<RpcPlace>> Finder::find_rpc(FinderFindRpcCall request) {
    auto reply = co_await ask(to_call(request));
    if (!reply) co_return reply.error();
    auto place = read_rpc_place(*reply);
    if (!place) co_return breaks(place.error());
    co_return place;
}

asio::awaitable<Result<void>> Finder::register_rpc(FinderRegisterCall request) {
    const auto reply = co_await ask(to_call(request));
    if (!reply) co_return reply.error();
    co_return Result<void>();
}

asio::awaitable<std::string> Finder::end() {
    // What ended it before this stays the reason.
    process_->kill();
    co_return co_await process_->ended();
}

}  // namespace mutual::plugin
