// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/keys_messages.h"

#include "varlink/parameters.h"

namespace mutual::broker {

namespace json = boost::json;

namespace {

constexpr std::int64_t latest = 0xffffffff;  // that Kerberos can say

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

}  // namespace mutual::broker
