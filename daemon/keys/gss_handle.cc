// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/gss_handle.h"

#include "daemon/keys/kerberos_error.h"

namespace mutual::keys {

gss_buffer_desc input_buffer(std::string_view bytes) {
    gss_buffer_desc buffer{};
    buffer.length = bytes.size();
    buffer.value = const_cast<char*>(bytes.data());
    return buffer;
}

Result<GssName> import_principal(std::string_view principal) {
    OM_uint32 minor = 0;
    gss_buffer_desc text = input_buffer(principal);
    gss_name_t name = GSS_C_NO_NAME;
    const OM_uint32 major = gss_import_name(&minor, &text, GSS_KRB5_NT_PRINCIPAL_NAME, &name);
    if (GSS_ERROR(major))
        return gss_failure(Stage::request, "import the principal " + std::string(principal), major, minor,
                           Code::invalid_request);
    return GssName(name);
}

std::string to_text(gss_name_t name) {
    OM_uint32 minor = 0;
    GssBuffer text;
    if (GSS_ERROR(gss_display_name(&minor, name, text.out(), nullptr))) return {};
    return std::string(text.view());
}

}  // namespace mutual::keys
