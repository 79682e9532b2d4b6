// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/service_ticket.h"

#include <algorithm>

#include "daemon/keys/kerberos_error.h"

namespace mutual::keys {

namespace {

// What is asked for: a request borrows the principals.
struct Request {
    Krb5Principal client;
    Krb5Principal server;
    krb5_creds creds{};
};

Result<Request> request_for(krb5_context context, krb5_ccache cache, const std::string& target,
                            std::int64_t end) {
    Request request{Krb5Principal(context), Krb5Principal(context), {}};
    if (const auto code = krb5_cc_get_principal(context, cache, request.client.out()))
        return krb5_failure(Stage::credentials, "read the credential cache", context, code,
                            Code::no_credentials);
    auto server = parse_principal(context, target, Stage::credentials);
    if (!server) return std::move(server).error();
    request.server = std::move(*server);
    request.creds.client = request.client.get();
    request.creds.server = request.server.get();
    request.creds.times.endtime = static_cast<krb5_timestamp>(end);
    return request;
}

Error ask_failure(krb5_context context, krb5_error_code code, const std::string& target) {
    Error error =
        krb5_failure(Stage::credentials, "get a ticket for " + target, context, code, Code::no_credentials);
    if (error.code == Code::unknown_target &&
        error.message.find(target, error.message.find(": ")) == std::string::npos)
        error.message += " (" + target + ")";
    if (error.code == Code::unknown_target && error.message.find("krbtgt/") != std::string::npos)
        error.hint =
            "the realms do not trust each other: correct the service's realm, or have a cross-realm key made";
    return error;
}

// In one pass over the cache; krb5_get_credentials makes three to find what is there.
Result<std::optional<Ticket>> retrieved(krb5_context context, krb5_ccache cache, krb5_flags match_flags,
                                        krb5_creds& match) {
    krb5_creds found{};
    if (krb5_cc_retrieve_cred(context, cache, match_flags, &match, &found) != 0)
        return std::optional<Ticket>();
    auto ticket = ticket_of(context, found);
    krb5_free_cred_contents(context, &found);
    if (!ticket) return std::move(ticket).error();
    return std::optional<Ticket>(std::move(*ticket));
}

}  // namespace

Result<std::optional<Ticket>> cached_service_ticket(krb5_context context, krb5_ccache cache,
                                                    const Wanted& wanted) {
    auto request = request_for(context, cache, wanted.target,
                               now_seconds() + std::max<std::int64_t>(wanted.minimum_lifetime, 1));
    if (!request) return std::move(request).error();
    return retrieved(context, cache, KRB5_TC_SUPPORTED_KTYPES | KRB5_TC_MATCH_TIMES | KRB5_TC_MATCH_AUTHDATA,
                     request->creds);
}

Result<std::optional<Ticket>> cached_granting_ticket(krb5_context context, krb5_ccache cache) {
    Krb5Principal client(context);
    if (const auto code = krb5_cc_get_principal(context, cache, client.out()))
        return krb5_failure(Stage::credentials, "read the credential cache", context, code,
                            Code::no_credentials);
    const krb5_data& realm = client->realm;
    Krb5Principal server(context);
    if (const auto code = krb5_build_principal_ext(context, server.out(), realm.length, realm.data, 6U,
                                                   "krbtgt", realm.length, realm.data, 0))
        return krb5_failure(Stage::credentials, "name the realm's KDC", context, code, Code::internal);
    krb5_creds match{};
    match.client = client.get();
    match.server = server.get();
    return retrieved(context, cache, 0, match);
}

Result<Ticket> ask_for_service_ticket(krb5_context context, krb5_ccache cache, const Wanted& wanted,
                                      std::int64_t granting_end, bool kept) {
    // Asking for the whole life keeps libkrb5 from being content with a cached ticket that ends too soon.
    auto request = request_for(context, cache, wanted.target, granting_end);
    if (!request) return std::move(request).error();
    Krb5Creds creds(context);
    if (const auto code =
            krb5_get_credentials(context, kept ? 0 : KRB5_GC_NO_STORE, cache, &request->creds, creds.out()))
        return ask_failure(context, code, wanted.target);
    return ticket_of(context, *creds.get());
}

}  // namespace mutual::keys
