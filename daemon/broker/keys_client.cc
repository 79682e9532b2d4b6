// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/keys_client.h"

#include <boost/json/array.hpp>

#include "varlink/interfaces.h"
#include "varlink/parameters.h"

namespace mutual::broker {

namespace json = boost::json;

namespace {

varlink::Call call_of(std::string_view method) {
    varlink::Call call;
    call.method = std::string("org.mutuald.Keys.").append(method);
    return call;
}

json::object to_json(const Identity& identity) {
    json::object object;
    switch (identity.kind) {
        case Identity::Kind::caller:
            object["kind"] = "caller";
            break;
        case Identity::Kind::keytab:
            object["kind"] = "keytab";
            break;
        case Identity::Kind::host:
            object["kind"] = "host";
            break;
    }
    if (!identity.principal.empty()) object["principal"] = identity.principal;
    if (!identity.keytab.empty()) object["keytab"] = identity.keytab;
    if (!identity.credential_cache.empty()) object["credentialCache"] = identity.credential_cache;
    return object;
}

Result<InitiatingGrant> read_initiating(varlink::Reply& reply) {
    varlink::Parameters parameters(reply.parameters, &reply.descriptors, "GrantInitiate");
    InitiatingGrant grant;
    grant.grant = parameters.descriptor("grantFileDescriptor");
    grant.principal = parameters.text("principal");
    grant.expires = parameters.number("expires");
    grant.cached = parameters.flag("cached");
    if (Result<void> finished = parameters.finish_loosely(); !finished) return finished.error();
    return grant;
}

Result<AcceptingGrants> read_accepting(varlink::Reply& reply) {
    varlink::Parameters parameters(reply.parameters, &reply.descriptors, "GrantAccept");
    AcceptingGrants grants;
    grants.grants = parameters.descriptors("grantFileDescriptors");
    grants.generation = parameters.number("generation");
    for (const json::object& key : parameters.objects("keys")) {
        varlink::Parameters fields(key);
        const std::string principal = fields.text("principal");
        const std::int64_t kvno = fields.number("kvno");
        grants.keys.push_back(principal + " (kvno " + std::to_string(kvno) + ", " + fields.text("enctype") +
                              ")");
    }
    if (Result<void> finished = parameters.finish_loosely(); !finished) return finished.error();
    return grants;
}

Result<Facts> read_facts(varlink::Reply& reply) {
    varlink::Parameters parameters(reply.parameters, nullptr, "Facts");
    Facts facts;
    facts.initiator_role = parameters.choice("role", {"initiator", "acceptor"}) == 0;
    facts.initiator = parameters.text("initiator");
    facts.acceptor = parameters.text("acceptor");
    facts.expires = parameters.number("expires");
    const json::object flags = parameters.object("flags");
    varlink::Parameters set(flags, nullptr, "Facts");
    facts.mutual = set.flag("mutual");
    facts.confidentiality = set.flag("confidentiality");
    facts.integrity = set.flag("integrity");
    facts.replay = set.flag("replay");
    facts.sequence = set.flag("sequence");
    facts.delegation = set.flag("delegation");
    if (Result<void> finished = parameters.finish_loosely(); !finished) return finished.error();
    if (Result<void> finished = set.finish_loosely(); !finished) return finished.error();
    return facts;
}

Result<TicketCacheFile> read_ticket_cache(varlink::Reply& reply) {
    varlink::Parameters parameters(reply.parameters, &reply.descriptors, "TicketCache");
    TicketCacheFile file;
    file.cache = parameters.descriptor("cacheFileDescriptor");
    file.principal = parameters.text("principal");
    file.expires = parameters.number("expires");
    if (Result<void> finished = parameters.finish_loosely(); !finished) return finished.error();
    return file;
}

}  // namespace

asio::awaitable<Result<InitiatingGrant>> KeysClient::initiate(Identity identity, UniqueFd caller,
                                                              std::string target,
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
    call.parameters["protection"] = "stream";
    call.parameters["handshakes"] = "one";
    call.parameters["minimumLifetimeSeconds"] = minimum_lifetime.count();
    call.parameters["timeoutMilliseconds"] = timeout.count();
    Result<varlink::Reply> reply = co_await pool_.call(std::move(call));
    if (!reply) co_return reply.error();
    co_return read_initiating(*reply);
}

asio::awaitable<Result<AcceptingGrants>> KeysClient::accept(std::string service, std::string keytab,
                                                            std::vector<std::string> principals,
                                                            std::size_t count) {
    varlink::Call call = call_of("GrantAccept");
    call.parameters["version"] = varlink::internal_version;
    call.parameters["service"] = service;
    call.parameters["keytab"] = keytab;
    call.parameters["principals"] = json::array(principals.begin(), principals.end());
    call.parameters["protection"] = "stream";
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
    varlink::Call call = call_of("Facts");
    call.parameters["context"] = context;
    Result<varlink::Reply> reply = co_await pool_.call(std::move(call));
    if (!reply) co_return reply.error();
    co_return read_facts(*reply);
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

}  // namespace mutual::broker
