// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/krb5_handle.h"

#include "daemon/keys/kerberos_error.h"

namespace mutual::keys {

Result<Krb5Context> make_krb5_context() {
    krb5_context context = nullptr;
    if (const krb5_error_code code = krb5_init_context(&context)) {
        return Error(Code::invalid_configuration, Stage::credentials,
                     "read the Kerberos configuration: " + krb5_text(nullptr, code), "see krb5.conf");
    }
    return Krb5Context(context);
}

Result<krb5_context> lasting_krb5_context() {
    static Krb5Context lasting;
    if (!lasting) {
        auto made = make_krb5_context();
        if (!made) return std::move(made).error();
        lasting = std::move(*made);
    }
    return lasting.get();
}

std::string to_text(krb5_context context, krb5_const_principal principal) {
    Krb5Text text(context);
    if (krb5_unparse_name(context, principal, text.out()) != 0) return {};
    return text.get();
}

Result<Krb5Principal> parse_principal(krb5_context context, const std::string& text, Stage stage) {
    Krb5Principal principal(context);
    const krb5_error_code code =
        krb5_parse_name_flags(context, text.c_str(), KRB5_PRINCIPAL_PARSE_REQUIRE_REALM, principal.out());
    if (code != 0)
        return Error(Code::invalid_request, stage,
                     "parse the principal " + text + ": " + krb5_text(context, code));
    if (principal->realm.length == 0)
        return Error(Code::invalid_request, stage, "parse the principal " + text + ": its realm is empty");
    return principal;
}

Result<std::string> canonical_principal(const std::string& text) {
    auto context = lasting_krb5_context();
    if (!context) return std::move(context).error();
    auto parsed = parse_principal(*context, text, Stage::request);
    if (!parsed) return std::move(parsed).error();
    return to_text(*context, parsed->get());
}

}  // namespace mutual::keys
