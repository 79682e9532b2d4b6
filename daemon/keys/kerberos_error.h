// SPDX-License-Identifier: Apache-2.0
// From the statuses of libkrb5 and GSS to our codes, with their texts. The texts are kept per thread by the
// libraries: ask right after the call that failed.
#pragma once

#include <gssapi/gssapi.h>
#include <krb5/krb5.h>

#include <string>
#include <string_view>

#include "mutual/error.h"

namespace mutual::keys {

// `context` may be null: then the text is the general one.
std::string krb5_text(krb5_context context, krb5_error_code code);
// Minor text with the major one; never the major alone where the mechanism said more.
std::string gss_text(OM_uint32 major, OM_uint32 minor);

// `fallback`: for a status that says nothing of its own.
Code code_of(krb5_error_code status, Code fallback);
// What a person can do about a failure of this kind; empty if nothing general can be said.
std::string hint_of(krb5_error_code status);

Error krb5_failure(Stage stage, std::string_view doing, krb5_context context, krb5_error_code status,
                   Code fallback);
Error gss_failure(Stage stage, std::string_view doing, OM_uint32 major, OM_uint32 minor, Code fallback);

}  // namespace mutual::keys
