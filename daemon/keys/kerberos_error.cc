// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/kerberos_error.h"

#include <gssapi/gssapi_krb5.h>

namespace mutual::keys {

namespace {

std::string display(OM_uint32 status, int type) {
    std::string text;
    OM_uint32 more = 0;
    do {
        OM_uint32 minor = 0;
        gss_buffer_desc part = GSS_C_EMPTY_BUFFER;
        if (GSS_ERROR(gss_display_status(&minor, status, type, gss_mech_krb5, &more, &part))) break;
        if (!text.empty()) text += ", ";
        text.append(static_cast<const char*>(part.value), part.length);
        gss_release_buffer(&minor, &part);
    } while (more != 0);
    return text;
}

constexpr std::string_view run_kinit = "run kinit to get a new ticket";

}  // namespace

std::string krb5_text(krb5_context context, krb5_error_code code) {
    const char* text = krb5_get_error_message(context, code);
    std::string copy = text;
    krb5_free_error_message(context, text);
    return copy;
}

std::string gss_text(OM_uint32 major, OM_uint32 minor) {
    std::string general =
        GSS_ROUTINE_ERROR(major) == GSS_S_FAILURE ? "GSS_S_FAILURE" : display(major, GSS_C_GSS_CODE);
    if (minor == 0) return general;
    return display(minor, GSS_C_MECH_CODE) + " (" + general + ")";
}

Code code_of(krb5_error_code status, Code fallback) {
    switch (status) {
        case KRB5_CC_NOTFOUND:
        case KRB5_CC_END:
        case KRB5_CC_FORMAT:
        case KRB5_CC_NOSUPP:
        case KRB5_FCC_NOFILE:
        case KRB5_FCC_PERM:
        case KRB5_FCC_INTERNAL:
        case KRB5_CCACHE_BADVNO:
        case KRB5_KCC_INVALID_ANCHOR:
        case KRB5_KCC_UNKNOWN_VERSION:
        case KRB5_KCC_INVALID_UID:
        case KRB5_KCM_NO_SERVER:
        case KRB5_NO_TKT_SUPPLIED:
        case KRB5_NO_LOCALNAME:
        case KRB5_KT_NOTFOUND:
        case KRB5_KT_IOERR:
        case KRB5_KEYTAB_BADVNO:
        case KRB5KRB_AP_ERR_TKT_EXPIRED:
        case KRB5KDC_ERR_NAME_EXP:
        case KRB5KDC_ERR_KEY_EXP:
        case KRB5KDC_ERR_CLIENT_REVOKED:
        case KRB5KDC_ERR_TGT_REVOKED:
        case KRB5KDC_ERR_CLIENT_NOTYET:
        case KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN:
        case KRB5KDC_ERR_PREAUTH_FAILED:
            return Code::no_credentials;
        case KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN:
        case KRB5KDC_ERR_SERVICE_EXP:
        case KRB5KDC_ERR_SERVICE_REVOKED:
        case KRB5KDC_ERR_SERVICE_NOTYET:
        case KRB5KDC_ERR_MUST_USE_USER2USER:
        case KRB5KDC_ERR_PRINCIPAL_NOT_UNIQUE:
            return Code::unknown_target;
        case KRB5_KDC_UNREACH:
        case KRB5_REALM_UNKNOWN:
        case KRB5_REALM_CANT_RESOLVE:
        case KRB5KDC_ERR_SVC_UNAVAILABLE:
            return Code::kdc_unreachable;
        case KRB5KRB_AP_ERR_SKEW:
        case KRB5KRB_AP_ERR_TKT_NYV:
        case KRB5_KDCREP_SKEW:
            return Code::clock_skew;
        case KRB5KRB_AP_ERR_BAD_INTEGRITY:
        case KRB5KRB_AP_ERR_MODIFIED:
        case KRB5KRB_AP_ERR_NOT_US:
        case KRB5KRB_AP_ERR_NOKEY:
        case KRB5KRB_AP_ERR_BADKEYVER:
        case KRB5KRB_AP_ERR_BADMATCH:
        case KRB5KRB_AP_ERR_MUT_FAIL:
        case KRB5KRB_AP_ERR_REPEAT:
        case KRB5KRB_AP_WRONG_PRINC:
        case KRB5_KT_KVNONOTFOUND:
        case KRB5_MUTUAL_FAILED:
            return Code::wrong_peer;
        case KRB5KRB_AP_ERR_BADVERSION:
        case KRB5KRB_AP_ERR_MSG_TYPE:
        case KRB5_BADMSGTYPE:
            return Code::protocol;
        default:
            return fallback;
    }
}

std::string hint_of(krb5_error_code status) {
    switch (status) {
        case KRB5_CC_NOTFOUND:
        case KRB5_CC_END:
        case KRB5_FCC_NOFILE:
        case KRB5_NO_TKT_SUPPLIED:
            return "run kinit to get a ticket, or name the credential cache that holds one";
        case KRB5_CC_FORMAT:
        case KRB5_CCACHE_BADVNO:
        case KRB5KRB_AP_ERR_TKT_EXPIRED:
        case KRB5KDC_ERR_TGT_REVOKED:
            return std::string(run_kinit);
        case KRB5_KCM_NO_SERVER:
            return "start the KCM service, or use another kind of credential cache";
        case KRB5KDC_ERR_PREAUTH_FAILED:
            return "the keytab's key is not the one that the KDC has: export it anew (kadmin ktadd)";
        case KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN:
            return "create the principal, or correct its spelling and realm";
        case KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN:
            return "register the SPN in the realm; mind its case, port and realm";
        case KRB5_REALM_UNKNOWN:
        case KRB5_REALM_CANT_RESOLVE:
            return "name the realm's KDC in krb5.conf or in DNS";
        case KRB5_KDC_UNREACH:
            return "see whether the realm's KDC runs and can be reached from this host";
        case KRB5KRB_AP_ERR_SKEW:
        case KRB5KRB_AP_ERR_TKT_NYV:
        case KRB5_KDCREP_SKEW:
            return "set the clocks of both hosts and the KDC (NTP)";
        case KRB5KRB_AP_ERR_REPEAT:
            return "the same handshake was sent twice; a replay, or a duplicating network";
        default:
            return {};
    }
}

Error krb5_failure(Stage stage, std::string_view doing, krb5_context context, krb5_error_code status,
                   Code fallback) {
    Error error(code_of(status, fallback), stage, std::string(doing) + ": " + krb5_text(context, status),
                hint_of(status));
    // While a ticket is being got there is no peer yet: the KDC, or a reply of it, does not fit our key.
    if (stage == Stage::credentials && error.code == Code::wrong_peer) {
        error.code = Code::no_credentials;
        error.hint =
            "the KDC has another key: get a new ticket (kinit), or export the key anew (kadmin ktadd)";
    }
    return error;
}

Error gss_failure(Stage stage, std::string_view doing, OM_uint32 major, OM_uint32 minor, Code fallback) {
    const std::string text = gss_text(major, minor);
    const auto status = static_cast<krb5_error_code>(minor);
    return Error(code_of(status, fallback), stage, std::string(doing) + ": " + text, hint_of(status));
}

}  // namespace mutual::keys
