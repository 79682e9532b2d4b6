// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/requests.h"

#include "daemon/unit/text.h"
#include "varlink/base64.h"
#include "varlink/interfaces.h"
#include "varlink/parameters.h"

namespace mutual::keys {

namespace {

constexpr std::int64_t longest_timeout = 600'000;  // milliseconds
constexpr std::int64_t longest_minimum = 10 * 365 * 86400L;
constexpr std::size_t most_identities = 256;
constexpr std::int64_t most_ends = varlink::internal_limits.descriptors;

// The programs are upgraded one after the other; work between different versions would only fail later.
void read_version(varlink::Parameters& parameters) {
    if (parameters.number("version") != varlink::internal_version)
        parameters.fault("version", "is not " + std::to_string(varlink::internal_version) +
                                        ": restart mutuald and mutuald-keys after an upgrade");
}

std::chrono::milliseconds read_timeout(varlink::Parameters& parameters) {
    return std::chrono::milliseconds(parameters.number("timeoutMilliseconds", 1, longest_timeout));
}

Protection read_protection(varlink::Parameters& parameters) {
    return parameters.choice("protection", {"stream", "rpc"}) == 0 ? Protection::stream : Protection::rpc;
}

// Faults are told to `parameters`.
Identity identity_in(const boost::json::object& object, varlink::Parameters& parameters) {
    varlink::Parameters fields(object, nullptr, "identity");
    Identity identity;
    identity.kind = static_cast<Identity::Kind>(fields.choice("kind", {"caller", "keytab", "host"}));
    identity.principal = fields.optional_text("principal").value_or("");
    identity.keytab = fields.optional_text("keytab").value_or("");
    identity.credential_cache = fields.optional_text("credentialCache").value_or("");
    if (const auto read = fields.finish(); !read)
        parameters.fault("identity", "is malformed: " + read.error().message);
    return identity;
}

Identity read_identity(varlink::Parameters& parameters) {
    return identity_in(parameters.object("identity"), parameters);
}

}  // namespace

Result<InitiateRequest> read_initiate(varlink::Call& call) {
    varlink::Parameters parameters(call.parameters, &call.descriptors, "GrantInitiate");
    read_version(parameters);
    InitiateRequest request;
    request.identity = read_identity(parameters);
    request.caller = parameters.optional_descriptor("callerFileDescriptor");
    request.wanted.target = parameters.text("target");
    request.protection = read_protection(parameters);
    request.one_handshake = parameters.choice("handshakes", {"one", "channel"}) == 0;
    request.wanted.minimum_lifetime = parameters.number("minimumLifetimeSeconds", 0, longest_minimum);
    request.timeout = read_timeout(parameters);
    if (auto read = parameters.finish(); !read) return std::move(read).error();
    return request;
}

Result<AcceptRequest> read_accept(varlink::Call& call) {
    varlink::Parameters parameters(call.parameters, &call.descriptors, "GrantAccept");
    read_version(parameters);
    AcceptRequest request;
    request.service = parameters.text("service");
    request.keytab = parameters.text("keytab");
    request.principals = parameters.texts("principals");
    request.protection = read_protection(parameters);
    request.count = parameters.number("count", 1, most_ends);
    if (auto read = parameters.finish(); !read) return std::move(read).error();
    return request;
}

Result<RevokeRequest> read_revoke(varlink::Call& call) {
    varlink::Parameters parameters(call.parameters, &call.descriptors, "RevokeAccept");
    RevokeRequest request;
    request.service = parameters.text("service");
    request.generation = parameters.number("generation");
    if (auto read = parameters.finish(); !read) return std::move(read).error();
    return request;
}

Result<std::string> read_context(varlink::Call& call) {
    varlink::Parameters parameters(call.parameters, &call.descriptors, "Facts");
    std::string context = parameters.text("context");
    if (auto read = parameters.finish(); !read) return std::move(read).error();
    return context;
}

Result<CacheRequest> read_cache_request(varlink::Call& call) {
    varlink::Parameters parameters(call.parameters, &call.descriptors, "TicketCache");
    read_version(parameters);
    CacheRequest request;
    request.identity = read_identity(parameters);
    if (request.identity.kind == Identity::Kind::caller)
        parameters.fault("identity", "must not be the caller's");
    request.timeout = read_timeout(parameters);
    if (auto read = parameters.finish(); !read) return std::move(read).error();
    return request;
}

Result<ListRequest> read_list(varlink::Call& call) {
    varlink::Parameters parameters(call.parameters, &call.descriptors, "ListCredentials");
    read_version(parameters);
    ListRequest request;
    for (const boost::json::object& object : parameters.objects("identities", most_identities))
        request.identities.push_back(identity_in(object, parameters));
    request.caller = parameters.optional_descriptor("callerFileDescriptor");
    request.timeout = read_timeout(parameters);
    if (auto read = parameters.finish(); !read) return std::move(read).error();
    return request;
}

Result<void> read_status(varlink::Call& call) {
    varlink::Parameters parameters(call.parameters, &call.descriptors, "Status");
    read_version(parameters);
    return parameters.finish();
}

Result<void> read_watch(varlink::Call& call) {
    varlink::Parameters parameters(call.parameters, &call.descriptors, "WatchFacts");
    read_version(parameters);
    return parameters.finish();
}

Result<StepRequest> read_step(varlink::Call& call) {
    varlink::Parameters parameters(call.parameters, &call.descriptors, "Step");
    StepRequest request;
    request.handshake = parameters.number("handshake");
    const auto text = parameters.optional_text("token", grant_limits.message);
    auto token = varlink::from_base64(text.value_or(""));
    if (!token) parameters.fault("token", "is not base64");
    request.minimum_lifetime =
        parameters.optional_number("minimumLifetimeSeconds", 0, longest_minimum).value_or(0);
    request.is_further = parameters.optional_flag("further").value_or(false);
    if (auto read = parameters.finish(); !read) return std::move(read).error();
    request.token = std::move(*token);
    return request;
}

Result<std::int64_t> read_drop(varlink::Call& call) {
    varlink::Parameters parameters(call.parameters, &call.descriptors, "Drop");
    const std::int64_t handshake = parameters.number("handshake");
    if (auto read = parameters.finish(); !read) return std::move(read).error();
    return handshake;
}

Result<FetchRequest> read_fetch(varlink::Call& call) {
    varlink::Parameters parameters(call.parameters, &call.descriptors, call.method);
    FetchRequest request;
    request.wanted.target = parameters.text("target");
    request.wanted.minimum_lifetime = parameters.number("minimumLifetimeSeconds");
    request.granting = parameters.optional_descriptor("grantingTicketFileDescriptor");
    if (auto read = parameters.finish(); !read) return std::move(read).error();
    return request;
}

Result<FetcherAnswer> read_fetcher_answer(varlink::Reply reply) {
    if (!reply.error.empty()) {
        Error error = varlink::error_of(reply);
        error.stage = Stage::credentials;
        error.message = unit::one_line(error.message, 1024);
        error.hint = unit::one_line(error.hint, 1024);
        return error;
    }
    varlink::Parameters parameters(reply.parameters, &reply.descriptors, "a fetcher's answer");
    FetcherAnswer answer;
    answer.principal = parameters.text("principal");
    answer.expires = parameters.optional_number("expires").value_or(0);
    answer.ticket = parameters.optional_descriptor("ticketFileDescriptor");
    if (auto read = parameters.finish(); !read) return std::move(read).error();
    return answer;
}

}  // namespace mutual::keys
