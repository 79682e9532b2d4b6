// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/forged_realm.h"

#include <fcntl.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <krb5/krb5.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

// Exported by libkrb5 for its own tools, declared in no public header.
extern "C" krb5_error_code krb5_encrypt_tkt_part(krb5_context, const krb5_keyblock*, krb5_ticket*);
extern "C" krb5_error_code encode_krb5_ticket(const krb5_ticket*, krb5_data**);

namespace mutual::channel::testing {
namespace {

void check(krb5_error_code failure, const char* what) {
    if (failure != 0) throw std::runtime_error(std::string(what) + ": " + std::to_string(failure));
}

void check_gss(OM_uint32 major, const char* what) {
    if (major != GSS_S_COMPLETE) throw std::runtime_error(std::string(what) + ": " + std::to_string(major));
}

// What is needed while a ticket is forged.
struct Forge {
    Forge() {
        check(krb5_init_context(&context), "krb5_init_context");
        check(krb5_parse_name(context, client_principal, &client), "krb5_parse_name");
        check(krb5_parse_name(context, service_principal, &service), "krb5_parse_name");
        check(krb5_c_make_random_key(context, ENCTYPE_AES256_CTS_HMAC_SHA1_96, &key),
              "krb5_c_make_random_key");
        check(krb5_c_make_random_key(context, ENCTYPE_AES256_CTS_HMAC_SHA1_96, &session),
              "krb5_c_make_random_key");
    }
    Forge(const Forge&) = delete;
    Forge& operator=(const Forge&) = delete;
    ~Forge() {
        krb5_free_keyblock_contents(context, &key);
        krb5_free_keyblock_contents(context, &session);
        krb5_free_principal(context, client);
        krb5_free_principal(context, service);
        krb5_free_context(context);
    }

    void write_keytab(const std::string& name) {
        krb5_keytab keytab = nullptr;
        check(krb5_kt_resolve(context, name.c_str(), &keytab), "krb5_kt_resolve");
        krb5_keytab_entry entry{};
        entry.principal = service;
        entry.vno = 1;
        entry.key = key;
        check(krb5_kt_add_entry(context, keytab, &entry), "krb5_kt_add_entry");
        keytabs.push_back(keytab);  // a MEMORY keytab is gone with its last handle
    }

    krb5_data* ticket(const krb5_ticket_times& times) {
        krb5_enc_tkt_part part{};
        part.flags = TKT_FLG_INITIAL | TKT_FLG_PRE_AUTH;
        part.session = &session;
        part.client = client;
        part.transited.tr_type = KRB5_DOMAIN_X500_COMPRESS;
        part.times = times;
        krb5_ticket ticket{};
        ticket.server = service;
        ticket.enc_part2 = &part;
        check(krb5_encrypt_tkt_part(context, &key, &ticket), "krb5_encrypt_tkt_part");
        ticket.enc_part.kvno = 1;
        krb5_data* encoded = nullptr;
        const auto failure = encode_krb5_ticket(&ticket, &encoded);
        krb5_free_data_contents(context, &ticket.enc_part.ciphertext);
        check(failure, "encode_krb5_ticket");
        return encoded;
    }

    void write_cache(const std::string& name, const krb5_ticket_times& times) {
        krb5_ccache cache = nullptr;
        check(krb5_cc_resolve(context, name.c_str(), &cache), "krb5_cc_resolve");
        check(krb5_cc_initialize(context, cache, client), "krb5_cc_initialize");
        krb5_data* encoded = ticket(times);
        krb5_creds credentials{};
        credentials.client = client;
        credentials.server = service;
        credentials.keyblock = session;
        credentials.times = times;
        credentials.ticket = *encoded;
        const auto failure = krb5_cc_store_cred(context, cache, &credentials);
        krb5_free_data(context, encoded);
        krb5_cc_close(context, cache);
        check(failure, "krb5_cc_store_cred");
    }

    void close_keytabs() {
        for (auto keytab : keytabs) krb5_kt_close(context, keytab);
        keytabs.clear();
    }

    krb5_context context = nullptr;
    krb5_principal client = nullptr;
    krb5_principal service = nullptr;
    krb5_keyblock key{};
    krb5_keyblock session{};
    std::vector<krb5_keytab> keytabs;
};

gss_cred_id_t credential(gss_cred_usage_t usage, std::vector<gss_key_value_element_desc> elements) {
    const gss_key_value_set_desc store{static_cast<OM_uint32>(elements.size()), elements.data()};
    OM_uint32 minor = 0;
    gss_cred_id_t made = GSS_C_NO_CREDENTIAL;
    check_gss(gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, GSS_C_NO_OID_SET, usage, &store,
                                    &made, nullptr, nullptr),
              "gss_acquire_cred_from");
    return made;
}

ContextFlags flags_of(OM_uint32 bits) {
    return {(bits & GSS_C_MUTUAL_FLAG) != 0,   (bits & GSS_C_CONF_FLAG) != 0,
            (bits & GSS_C_INTEG_FLAG) != 0,    (bits & GSS_C_REPLAY_FLAG) != 0,
            (bits & GSS_C_SEQUENCE_FLAG) != 0, (bits & GSS_C_DELEG_FLAG) != 0};
}

// A configuration without a KDC; before the first thread, and once, because the library reads its
// environment.
void use_no_configuration() {
    ::setenv("KRB5_CONFIG", "/dev/null", 1);
    ::setenv("KRB5RCACHENAME", "none:", 1);
}

}  // namespace

ForgedRealm::ForgedRealm(std::chrono::seconds lifetime)
    : expires_(std::chrono::system_clock::now() + lifetime) {
    [[maybe_unused]] static const bool once = (use_no_configuration(), true);
    static std::atomic<int> count{0};
    const std::string number = std::to_string(++count);
    const std::string cache = "MEMORY:forged" + number;
    const std::string keytab = "MEMORY:forged" + number;
    krb5_ticket_times times{};
    times.authtime = times.starttime = static_cast<krb5_timestamp>(
        std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() - std::chrono::seconds(60)));
    times.endtime = static_cast<krb5_timestamp>(std::chrono::system_clock::to_time_t(expires_));
    Forge forge;
    forge.write_keytab(keytab);
    forge.write_cache(cache, times);
    initiator_ = credential(GSS_C_INITIATE, {{"ccache", cache.c_str()}});
    acceptor_ = credential(GSS_C_ACCEPT, {{"keytab", keytab.c_str()}});
    forge.close_keytabs();
}

ForgedRealm::~ForgedRealm() {
    OM_uint32 minor = 0;
    gss_release_cred(&minor, &initiator_);
    gss_release_cred(&minor, &acceptor_);
}

std::unique_ptr<Handshake> ForgedRealm::handshake(Role role) const {
    return std::make_unique<Handshake>(role, role == Role::initiator ? initiator_ : acceptor_);
}

ContextFacts ForgedRealm::facts() const {
    return {client_principal, service_principal, {true, true, true, true, true, false}, expires_};
}

std::pair<std::unique_ptr<Handshake>, std::unique_ptr<Handshake>> ForgedRealm::established() const {
    auto initiator = handshake(Role::initiator);
    auto acceptor = handshake(Role::acceptor);
    const auto second = acceptor->step(initiator->step({}).token);
    if (!initiator->step(second.token).done || !second.done) throw std::runtime_error("the handshake failed");
    return {std::move(initiator), std::move(acceptor)};
}

Handshake::~Handshake() {
    OM_uint32 minor = 0;
    gss_delete_sec_context(&minor, &context_, GSS_C_NO_BUFFER);
}

Handshake::Answer Handshake::step(const Token& token) {
    OM_uint32 minor = 0;
    OM_uint32 bits = 0;
    OM_uint32 major = 0;
    gss_buffer_desc input{token.size(), const_cast<std::byte*>(token.data())};
    gss_buffer_desc output = GSS_C_EMPTY_BUFFER;
    if (role_ == Role::acceptor) {
        major = gss_accept_sec_context(&minor, &context_, credential_, &input, GSS_C_NO_CHANNEL_BINDINGS,
                                       nullptr, nullptr, &output, &bits, nullptr, nullptr);
    } else {
        gss_buffer_desc text{std::strlen(service_principal), const_cast<char*>(service_principal)};
        gss_name_t target = GSS_C_NO_NAME;
        check_gss(gss_import_name(&minor, &text, const_cast<gss_OID>(GSS_KRB5_NT_PRINCIPAL_NAME), &target),
                  "gss_import_name");
        const OM_uint32 wanted =
            GSS_C_MUTUAL_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG;
        major = gss_init_sec_context(&minor, credential_, &context_, target,
                                     const_cast<gss_OID>(gss_mech_krb5), wanted, 0, GSS_C_NO_CHANNEL_BINDINGS,
                                     token.empty() ? nullptr : &input, nullptr, &output, &bits, nullptr);
        OM_uint32 ignored = 0;
        gss_release_name(&ignored, &target);
    }
    const auto* bytes = static_cast<const std::byte*>(output.value);
    Answer answer{Token(bytes, bytes + output.length), major == GSS_S_COMPLETE, GSS_ERROR(major) != 0,
                  flags_of(bits)};
    gss_release_buffer(&minor, &output);
    return answer;
}

UniqueFd Handshake::exported() {
    OM_uint32 minor = 0;
    gss_buffer_desc token = GSS_C_EMPTY_BUFFER;
    check_gss(gss_export_sec_context(&minor, &context_, &token), "gss_export_sec_context");
    auto memory = sealed_memory({static_cast<const std::byte*>(token.value), token.length});
    gss_release_buffer(&minor, &token);
    return memory;
}

UniqueFd sealed_memory(Bytes content) {
    UniqueFd memory(::memfd_create("context", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (::write(memory.value(), content.data(), content.size()) != static_cast<ssize_t>(content.size()) ||
        ::fcntl(memory.value(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
        throw std::runtime_error("sealed_memory");
    return memory;
}

}  // namespace mutual::channel::testing
