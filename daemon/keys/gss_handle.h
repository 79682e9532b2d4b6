// SPDX-License-Identifier: Apache-2.0
// Ownership of GSS objects. Kerberos V5 is the only mechanism here.
#pragma once

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <string.h>

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "mutual/error.h"

namespace mutual::keys {

struct GssNameDeleter {
    void operator()(gss_name_t name) const {
        OM_uint32 minor = 0;
        gss_release_name(&minor, &name);
    }
};
struct GssCredDeleter {
    void operator()(gss_cred_id_t cred) const {
        OM_uint32 minor = 0;
        gss_release_cred(&minor, &cred);
    }
};
using GssName = std::unique_ptr<std::remove_pointer_t<gss_name_t>, GssNameDeleter>;
using GssCred = std::unique_ptr<std::remove_pointer_t<gss_cred_id_t>, GssCredDeleter>;

// A context that GSS itself replaces while it is being established.
class GssContext {
public:
    GssContext() = default;
    GssContext(const GssContext&) = delete;
    GssContext& operator=(const GssContext&) = delete;
    ~GssContext() { reset(); }
    gss_ctx_id_t get() const { return context_; }
    gss_ctx_id_t* inout() { return &context_; }
    void reset() {
        OM_uint32 minor = 0;
        if (context_ != GSS_C_NO_CONTEXT) gss_delete_sec_context(&minor, &context_, GSS_C_NO_BUFFER);
    }

private:
    gss_ctx_id_t context_ = GSS_C_NO_CONTEXT;
};

// A buffer that GSS allocated; wiped when it goes.
class GssBuffer {
public:
    GssBuffer() = default;
    GssBuffer(const GssBuffer&) = delete;
    GssBuffer& operator=(const GssBuffer&) = delete;
    ~GssBuffer() {
        OM_uint32 minor = 0;
        if (buffer_.value != nullptr) ::explicit_bzero(buffer_.value, buffer_.length);
        gss_release_buffer(&minor, &buffer_);
    }
    gss_buffer_t out() { return &buffer_; }
    std::string_view view() const { return {static_cast<const char*>(buffer_.value), buffer_.length}; }

private:
    gss_buffer_desc buffer_ = GSS_C_EMPTY_BUFFER;
};

// For the length of a call; GSS does not write to it.
gss_buffer_desc input_buffer(std::string_view bytes);

// A krb5 principal in its escaped text form, with realm.
Result<GssName> import_principal(std::string_view principal);
std::string to_text(gss_name_t name);

}  // namespace mutual::keys
