// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/tirpc_auth.h"

#include <gssapi/gssapi_krb5.h>

#include <map>
#include <stdexcept>

namespace mutual::interop {
namespace {

gss_name_t import_principal(std::string text) {
    gss_buffer_desc buffer{text.size(), text.data()};
    gss_name_t name = GSS_C_NO_NAME;
    OM_uint32 minor = 0;
    if (::gss_import_name(&minor, &buffer, GSS_KRB5_NT_PRINCIPAL_NAME, &name) != GSS_S_COMPLETE)
        throw std::runtime_error(text + " is no principal");
    return name;
}

AUTH* make_gss(CLIENT* client, const Security& security) {
    rpc_gss_sec wanted{};
    wanted.mech = gss_mech_krb5;
    wanted.svc = security.service;
    wanted.req_flags = GSS_C_MUTUAL_FLAG;
    gss_name_t name = import_principal(security.principal);
    AUTH* made = ::authgss_create(client, name, &wanted);
    OM_uint32 minor = 0;
    ::gss_release_name(&minor, &name);
    if (made == nullptr) throw std::runtime_error(::clnt_spcreateerror("make a security context"));
    return made;
}

}  // namespace

Security read_security(const std::string& word) {
    static const std::map<std::string, rpc_gss_svc_t> services{{"krb5", RPCSEC_GSS_SVC_NONE},
                                                               {"krb5i", RPCSEC_GSS_SVC_INTEGRITY},
                                                               {"krb5p", RPCSEC_GSS_SVC_PRIVACY}};
    if (word == "none") return {AUTH_NONE};
    if (word == "sys") return {AUTH_SYS};
    const auto equals = word.find('=');
    const auto found = services.find(word.substr(0, equals));
    if (found == services.end() || equals == std::string::npos)
        throw std::runtime_error(word + " is neither none nor sys nor krb5|krb5i|krb5p=PRINCIPAL");
    return {RPCSEC_GSS, found->second, word.substr(equals + 1)};
}

AUTH* make_auth(CLIENT* client, const Security& security) {
    if (security.flavor == AUTH_NONE) return ::authnone_create();
    if (security.flavor == AUTH_SYS) return ::authunix_create_default();
    return make_gss(client, security);
}

}  // namespace mutual::interop
