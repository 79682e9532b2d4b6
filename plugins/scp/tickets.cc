// SPDX-License-Identifier: Apache-2.0
#include "plugins/scp/tickets.h"

#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>

#include <string>

namespace mutual::scp {
namespace {

std::string status_text(OM_uint32 status, int type) {
    std::string text;
    OM_uint32 more = 0;
    do {
        OM_uint32 minor = 0;
        gss_buffer_desc part = GSS_C_EMPTY_BUFFER;
        if (gss_display_status(&minor, status, type, gss_mech_krb5, &more, &part) != GSS_S_COMPLETE) break;
        if (!text.empty()) text += "; ";
        text.append(static_cast<const char*>(part.value), part.length);
        gss_release_buffer(&minor, &part);
    } while (more != 0);
    return text;
}

}  // namespace

Result<Credential> open_tickets(const TicketCache& tickets) {
    if (tickets.name.empty())
        return Error{Code::no_credentials, Stage::discovery, "search the directory: no tickets were given",
                     "give the plugin an identity in the configuration"};
    gss_key_value_element_desc element{"ccache", tickets.name.c_str()};
    const gss_key_value_set_desc store{1, &element};
    gss_OID_set_desc mechanisms{1, gss_mech_krb5};
    gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
    OM_uint32 minor = 0;
    const OM_uint32 major = gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &mechanisms,
                                                  GSS_C_INITIATE, &store, &credential, nullptr, nullptr);
    if (major != GSS_S_COMPLETE)
        return Error{
            Code::no_credentials, Stage::discovery,
            "open the tickets of " + tickets.principal + ": " +
                (minor != 0 ? status_text(minor, GSS_C_MECH_CODE) : status_text(major, GSS_C_GSS_CODE)),
            "see `mutualctl list-credentials`"};
    return Credential(credential);
}

}  // namespace mutual::scp
