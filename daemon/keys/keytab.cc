// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/keytab.h"

#include <array>

#include "daemon/keys/kerberos_error.h"
#include "daemon/keys/krb5_handle.h"

namespace mutual::keys {

namespace {

constexpr std::size_t most_keys = 10000;

KeyEntry entry_of(krb5_context context, const krb5_keytab_entry& entry) {
    return {to_text(context, entry.principal), entry.vno, enctype_name(entry.key.enctype), entry.key.enctype};
}

Error unusable(const std::string& path, Error error) {
    if (error.hint.empty())
        error.hint = cure_of(path, "export the service's keys anew into that file (kadmin ktadd)");
    return error;
}

Result<std::vector<KeyEntry>> read_entries(krb5_context context, krb5_keytab keytab,
                                           const std::string& path) {
    const std::string doing = "read the keytab " + path;
    krb5_kt_cursor cursor{};
    if (const auto code = krb5_kt_start_seq_get(context, keytab, &cursor))
        return unusable(path, krb5_failure(Stage::credentials, doing, context, code, Code::no_credentials));
    std::vector<KeyEntry> keys;
    krb5_keytab_entry entry{};
    krb5_error_code code = 0;
    while (keys.size() < most_keys && (code = krb5_kt_next_entry(context, keytab, &entry, &cursor)) == 0) {
        keys.push_back(entry_of(context, entry));
        krb5_free_keytab_entry_contents(context, &entry);
    }
    krb5_kt_end_seq_get(context, keytab, &cursor);
    if (code != 0 && code != KRB5_KT_END)
        return unusable(path, krb5_failure(Stage::credentials, doing, context, code, Code::no_credentials));
    if (keys.empty())
        return unusable(path, Error(Code::no_credentials, Stage::credentials,
                                    doing + ": it is empty or truncated: it holds no key"));
    return keys;
}

}  // namespace

std::string enctype_name(std::int32_t enctype) {
    std::array<char, 100> text{};
    if (krb5_enctype_to_name(enctype, 0, text.data(), text.size()) != 0)
        return "enctype " + std::to_string(enctype);
    return text.data();
}

Result<std::vector<KeyEntry>> list_keys(const KeytabFile& file) {
    auto context = make_krb5_context();
    if (!context) return std::move(context).error();
    Krb5Keytab keytab(context->get());
    if (const auto code = krb5_kt_resolve(context->get(), file.name().c_str(), keytab.out()))
        return file.explained(krb5_failure(Stage::credentials, "open the keytab " + file.path(),
                                           context->get(), code, Code::no_credentials));
    auto keys = read_entries(context->get(), keytab.get(), file.path());
    if (!keys) return file.explained(std::move(keys).error());
    return keys;
}

Result<std::string> host_principal(const std::vector<KeyEntry>& keys, const std::string& path) {
    for (const KeyEntry& key : keys)
        if (key.principal.starts_with("host/")) return key.principal;
    return Error(Code::no_credentials, Stage::credentials,
                 "use the keytab " + path + ": it holds no host/ principal",
                 cure_of(path, "join the host to its realm, or export its host/ key into that keytab"));
}

Error no_key(const std::string& path, const std::string& principal) {
    return Error(Code::no_credentials, Stage::credentials,
                 "use the keytab " + path + ": it holds no key of " + principal,
                 cure_of(path, "export that key there"));
}

std::string kvnos_held(const std::vector<KeyEntry>& keys, std::string_view principal) {
    std::string text;
    for (const KeyEntry& key : keys) {
        if (key.principal != principal) continue;
        if (!text.empty()) text += ", ";
        text += std::to_string(key.kvno) + " (" + key.enctype + ")";
    }
    return text;
}

}  // namespace mutual::keys
