// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/keys_client.h"

#include <boost/json/array.hpp>

#include "varlink/interfaces.h"

namespace mutual::broker {

namespace json = boost::json;

namespace {

varlink::Call call_of(std::string_view method) {
    varlink::Call call;
    call.method = std::string("org.mutuald.Keys.").append(method);
    return call;
}

const char* name_of(config::Protection protection) {
    return protection == config::Protection::rpc ? "rpc" : "stream";
}

}  // namespace

asio::awaitable<Result<InitiatingGrant>> KeysClient::initiate(Identity identity, UniqueFd caller,
                                                              std::string target,
                                                              config::Protection protection,
                                                              std::chrono::seconds minimum_lifetime,
                                                              std::chrono::milliseconds timeout) {
    varlink::Call call = call_of("GrantInitiate");
    call.parameters["version"] = varlink::internal_version;
    call.parameters["identity"] = to_json(identity);
    if (caller) {
        call.parameters["callerFileDescriptor"] = 0;
        call.descriptors.push_back(std::move(caller));
    }
    call.parameters["target"] = target;
    call.parameters["protection"] = name_of(protection);
    call.parameters["handshakes"] = protection == config::Protection::rpc ? "channel" : "one";
    call.parameters["minimumLifetimeSeconds"] = minimum_lifetime.count();
    call.parameters["timeoutMilliseconds"] = timeout.count();
    Result<varlink::Reply> reply = co_await pool_.call(std::move(call));
    if (!reply) co_return reply.error();
    co_return read_initiating(*reply);
}

asio::awaitable<Result<AcceptingGrants>> KeysClient::accept(std::string service, std::string keytab,
                                                            std::vector<std::string> principals,
                                                            config::Protection protection,
                                                            std::size_t count) {
    varlink::Call call = call_of("GrantAccept");
    call.parameters["version"] = varlink::internal_version;
    call.parameters["service"] = service;
    call.parameters["keytab"] = keytab;
    call.parameters["principals"] = json::array(principals.begin(), principals.end());
    call.parameters["protection"] = name_of(protection);
    call.parameters["count"] = count;
    Result<varlink::Reply> reply = co_await pool_.call(std::move(call));
    if (!reply) co_return reply.error();
    co_return read_accepting(*reply);
}

asio::awaitable<Result<void>> KeysClient::revoke(std::string service, std::int64_t generation) {
    varlink::Call call = call_of("RevokeAccept");
    call.parameters["service"] = service;
    call.parameters["generation"] = generation;
    Result<varlink::Reply> reply = co_await pool_.call(std::move(call));
    if (!reply) co_return reply.error();
    co_return Result<void>();
}

asio::awaitable<Result<Facts>> KeysClient::facts(std::string context) {
    std::optional<Facts> told = told_.take(context);
    const bool is_told = told || told_.tells_all();
    if (!told && is_told) told = co_await told_.wait(context);
    if (told) co_return std::move(*told);
    varlink::Call call = call_of("Facts");
    call.parameters["context"] = context;
    Result<varlink::Reply> reply = co_await pool_.call(std::move(call));
    if (reply) co_return read_facts(*reply);
    // They may have been told just before it was asked.
    if (!is_told && reply.error().code == Code::not_found) told = co_await told_.wait(context);
    if (told) co_return std::move(*told);
    co_return reply.error();
}

asio::awaitable<Result<TicketCacheFile>> KeysClient::ticket_cache(Identity identity,
                                                                  std::chrono::milliseconds timeout) {
    varlink::Call call = call_of("TicketCache");
    call.parameters["version"] = varlink::internal_version;
    call.parameters["identity"] = to_json(identity);
    call.parameters["timeoutMilliseconds"] = timeout.count();
    Result<varlink::Reply> reply = co_await pool_.call(std::move(call));
    if (!reply) co_return reply.error();
    co_return read_ticket_cache(*reply);
}

asio::awaitable<Result<std::vector<Credential>>> KeysClient::list_credentials(
    std::vector<Identity> identities, UniqueFd caller, std::chrono::milliseconds timeout) {
    varlink::Call call = call_of("ListCredentials");
    call.parameters["version"] = varlink::internal_version;
    json::array array;
    for (const Identity& identity : identities) array.push_back(to_json(identity));
    call.parameters["identities"] = std::move(array);
    if (caller) {
        call.parameters["callerFileDescriptor"] = 0;
        call.descriptors.push_back(std::move(caller));
    }
    call.parameters["timeoutMilliseconds"] = timeout.count();
    Result<varlink::Reply> reply = co_await pool_.call(std::move(call));
    if (!reply) co_return reply.error();
    co_return read_credentials(*reply);
}

}  // namespace mutual::broker
