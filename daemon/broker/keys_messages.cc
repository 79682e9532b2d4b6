// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/keys_messages.h"

#include "varlink/parameters.h"

namespace mutual::broker {

namespace json = boost::json;

namespace {

constexpr std::int64_t latest = 0xffffffff;  // that Kerberos can say

Error read_failure(const json::object& object, varlink::Parameters& credential) {
    varlink::Parameters fields(object);
    Error error;
    error.code = code_named(fields.text("code")).value_or(Code::internal);
    error.stage = stage_named(fields.text("stage")).value_or(Stage::credentials);
    error.message = fields.text("message");
    error.hint = fields.text("hint");
    if (auto read = fields.finish_loosely(); !read) credential.fault("failure", read.error().message);
    return error;
}

Credential read_credential(const json::object& object, varlink::Parameters& reply) {
    varlink::Parameters fields(object, nullptr, "ListCredentials");
    Credential credential;
    credential.principal = fields.text("principal");
    credential.keytab = fields.text("keytab");
    for (const json::object& key : fields.objects("keys", 10000)) {
        varlink::Parameters one(key);
        const std::string principal = one.text("principal");
        const std::int64_t kvno = one.number("kvno");
        credential.keys.push_back({principal, kvno, one.text("enctype")});
        if (auto read = one.finish_loosely(); !read) fields.fault("keys", read.error().message);
    }
    credential.expires = fields.optional_number("expires", 0, latest);
    credential.renews = fields.optional_number("renews", 0, latest);
    if (const auto failure = fields.optional_object("failure"))
        credential.failure = read_failure(*failure, fields);
    credential.failed_at = fields.optional_number("failedAt", 0, latest).value_or(0);
    if (Result<void> finished = fields.finish_loosely(); !finished)
        reply.fault("credentials", finished.error().message);
    return credential;
}

}  // namespace

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
    grant.expires = parameters.number("expires", 0, latest);
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
        if (auto read = fields.finish_loosely(); !read) parameters.fault("keys", read.error().message);
    }
    if (Result<void> finished = parameters.finish_loosely(); !finished) return finished.error();
    return grants;
}

Result<Facts> read_facts(const varlink::Reply& reply) {
    varlink::Parameters parameters(reply.parameters, nullptr, "Facts");
    Facts facts;
    facts.initiator_role = parameters.choice("role", {"initiator", "acceptor"}) == 0;
    facts.initiator = parameters.text("initiator");
    facts.acceptor = parameters.text("acceptor");
    facts.expires = parameters.number("expires", 0, latest);
    const json::object flags = parameters.object("flags");
    varlink::Parameters set(flags);
    facts.mutual = set.flag("mutual");
    facts.confidentiality = set.flag("confidentiality");
    facts.integrity = set.flag("integrity");
    facts.replay = set.flag("replay");
    facts.sequence = set.flag("sequence");
    facts.delegation = set.flag("delegation");
    if (auto read = set.finish_loosely(); !read) parameters.fault("flags", read.error().message);
    if (Result<void> finished = parameters.finish_loosely(); !finished) return finished.error();
    return facts;
}

Result<TicketCacheFile> read_ticket_cache(varlink::Reply& reply) {
    varlink::Parameters parameters(reply.parameters, &reply.descriptors, "TicketCache");
    TicketCacheFile file;
    file.cache = parameters.descriptor("cacheFileDescriptor");
    file.principal = parameters.text("principal");
    file.expires = parameters.number("expires", 0, latest);
    if (Result<void> finished = parameters.finish_loosely(); !finished) return finished.error();
    return file;
}

Result<std::vector<Credential>> read_credentials(const varlink::Reply& reply) {
    varlink::Parameters parameters(reply.parameters, nullptr, "ListCredentials");
    std::vector<Credential> credentials;
    for (const json::object& object : parameters.objects("credentials"))
        credentials.push_back(read_credential(object, parameters));
    if (Result<void> finished = parameters.finish_loosely(); !finished) return finished.error();
    return credentials;
}

}  // namespace mutual::broker
