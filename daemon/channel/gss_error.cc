// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/gss_error.h"

#include <gssapi/gssapi_krb5.h>

namespace mutual::channel {
namespace {

void append_status(std::string& text, OM_uint32 status, int type, gss_OID mechanism) {
    OM_uint32 more = 0;
    do {
        OM_uint32 minor = 0;
        gss_buffer_desc message = GSS_C_EMPTY_BUFFER;
        if (gss_display_status(&minor, status, type, mechanism, &more, &message) != GSS_S_COMPLETE) return;
        text.append(": ").append(static_cast<const char*>(message.value), message.length);
        gss_release_buffer(&minor, &message);
    } while (more != 0);
}

Code code_of(OM_uint32 major) {
    switch (GSS_ROUTINE_ERROR(major)) {
        case GSS_S_BAD_SIG:
        case GSS_S_DEFECTIVE_TOKEN:
            return Code::protocol;
        case GSS_S_CONTEXT_EXPIRED:
            return Code::expired;
        default:
            return Code::internal;
    }
}

}  // namespace

Error gss_error(std::string_view what, OM_uint32 major, OM_uint32 minor) {
    std::string text{what};
    append_status(text, major, GSS_C_GSS_CODE, GSS_C_NO_OID);
    if (minor != 0) append_status(text, minor, GSS_C_MECH_CODE, const_cast<gss_OID>(gss_mech_krb5));
    return {code_of(major), Stage::channel, std::move(text)};
}

}  // namespace mutual::channel
