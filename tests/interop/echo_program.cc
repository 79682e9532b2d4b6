// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/echo_program.h"

#include <rpc/rpcsec_gss.h>

#include <array>
#include <iomanip>
#include <sstream>
#include <string>
#include <string_view>

namespace mutual::interop {
namespace {

std::string gss_caller(svc_req* call) {
    constexpr std::array services{"default", "none", "integrity", "privacy"};
    rpc_gss_rawcred_t* proved = nullptr;
    if (!::rpc_gss_getcred(call, &proved, nullptr, nullptr)) return "{}";
    const std::string_view principal(proved->client_principal->name,
                                     static_cast<std::size_t>(proved->client_principal->len));
    std::ostringstream out;
    out << R"({"flavor": 6, "principal": )" << std::quoted(principal) << R"(, "service": ")"
        << services.at(proved->service) << "\"}";
    return out.str();
}

std::string sys_caller(const authunix_parms& told) {
    std::ostringstream out;
    out << R"({"flavor": 1, "machine": )" << std::quoted(told.aup_machname) << R"(, "uid": )" << told.aup_uid
        << R"(, "gid": )" << told.aup_gid << R"(, "gids": [)";
    for (u_int i = 0; i < told.aup_len; ++i) out << (i == 0 ? "" : ", ") << told.aup_gids[i];
    out << R"(], "stamp": )" << told.aup_time << "}";
    return out.str();
}

std::string caller(svc_req* call) {
    const auto flavor = call->rq_cred.oa_flavor;
    if (flavor == RPCSEC_GSS) return gss_caller(call);
    if (flavor == AUTH_SYS) return sys_caller(*static_cast<const authunix_parms*>(call->rq_clntcred));
    return "{\"flavor\": " + std::to_string(flavor) + "}";
}

void send(SVCXPRT* transport, xdrproc_t codec, void* results) {
    if (!::svc_sendreply(transport, codec, results)) ::svcerr_systemerr(transport);
}

void echo(SVCXPRT* transport) {
    Data data;
    auto* place = reinterpret_cast<char*>(&data);
    if (!svc_getargs(transport, data_codec, place)) return ::svcerr_decode(transport);
    send(transport, data_codec, place);
    svc_freeargs(transport, data_codec, place);
}

void who(svc_req* call, SVCXPRT* transport) {
    std::string text = caller(call);
    Data data{text.data(), static_cast<u_int>(text.size())};
    send(transport, data_codec, &data);
}

void serve(svc_req* call, SVCXPRT* transport) {
    switch (call->rq_proc) {
        case echo_procedure:
            return echo(transport);
        case who_procedure:
            return who(call, transport);
        default:
            return ::svcerr_noproc(transport);
    }
}

}  // namespace

void serve_under_gss(svc_req* call, SVCXPRT* transport) {
    if (call->rq_cred.oa_flavor != RPCSEC_GSS) return ::svcerr_weakauth(transport);
    // First of all: libtirpc also shows us DESTROY as this one, and has freed the caller's name by then.
    if (call->rq_proc == null_procedure) return send(transport, void_codec, nullptr);
    serve(call, transport);
}

void serve_plainly(svc_req* call, SVCXPRT* transport) {
    if (call->rq_cred.oa_flavor == RPCSEC_GSS) return ::svcerr_weakauth(transport);
    if (call->rq_proc == null_procedure) return send(transport, void_codec, nullptr);
    serve(call, transport);
}

}  // namespace mutual::interop
