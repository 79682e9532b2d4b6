// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/acceptor.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "daemon/keys/clock_difference.h"
#include "daemon/keys/established.h"
#include "daemon/keys/first_token.h"
#include "daemon/keys/kerberos_error.h"
#include "daemon/keys/krb5_handle.h"
#include "daemon/unit/text.h"

namespace mutual::keys {

namespace {

constexpr OM_uint32 always = GSS_C_MUTUAL_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG;

// knc asks for mutual and sequence only, and gets confidentiality and integrity with them; so replay
// detection is not demanded of an initiator.
constexpr OM_uint32 required_flags(Protection protection) {
    return protection == Protection::stream ? always | GSS_C_SEQUENCE_FLAG : always;
}

// The exact key: with a name, libkrb5 looks for that entry and no other. Where there is none it is not asked:
// what the file holds says more than its answer, and it leaks the name.
Result<GssCred> acceptor_cred(const KeytabFile& keytab, const std::string& principal) {
    const auto keys = list_keys(keytab);
    if (!keys) return keys.error();
    if (kvnos_held(*keys, principal).empty()) return no_key(keytab.path(), principal);
    auto name = import_principal(principal);
    if (!name) return std::move(name).error();
    const std::string file = keytab.name();
    gss_key_value_element_desc element{"keytab", file.c_str()};
    gss_key_value_set_desc store{1, &element};
    OM_uint32 minor = 0;
    gss_cred_id_t cred = GSS_C_NO_CREDENTIAL;
    const OM_uint32 major = gss_acquire_cred_from(&minor, name->get(), GSS_C_INDEFINITE,
                                                  const_cast<gss_OID_set>(gss_mech_set_krb5), GSS_C_ACCEPT,
                                                  &store, &cred, nullptr, nullptr);
    if (!GSS_ERROR(major)) return GssCred(cred);
    return keytab.explained(gss_failure(Stage::credentials,
                                        "use the key of " + principal + " in " + keytab.path(), major, minor,
                                        Code::no_credentials));
}

// Compares the key that the client's ticket needs with the keys that the keytab holds now: what is wrong goes
// into the message, what to do about it is the hint.
void explain_key(Error& error, const KeytabFile& keytab, const AskedKey& asked) {
    auto keys = list_keys(keytab);
    if (!keys) {
        error.message += "; " + keys.error().message;
        error.hint = cure_of(keytab.path(), "export the service's keys anew into " + keytab.path());
        return;
    }
    const std::string held = kvnos_held(*keys, asked.principal);
    if (held.empty()) {
        error.message += "; the keytab " + keytab.path() + " holds no key of that principal";
        error.hint = cure_of(keytab.path(), "export it there");
        return;
    }
    const bool has_it = std::any_of(keys->begin(), keys->end(), [&](const KeyEntry& key) {
        return key.principal == asked.principal && key.kvno == asked.kvno &&
               key.enctype_number == asked.enctype;
    });
    error.message += "; ticket kvno " + std::to_string(asked.kvno) + " (" + enctype_name(asked.enctype) +
                     "), keytab " + keytab.path() + " has " + held;
    error.hint =
        has_it ? "the KDC has a different key of that number: export it anew, and see that no other "
                 "account has that SPN"
               : cure_of(keytab.path(), "export the current key there, or have the client get a new ticket");
}

// What accepts writes nothing but the replay cache.
bool is_of_writing(OM_uint32 minor) { return minor == ENOSPC || minor == EDQUOT || minor == EROFS; }

void explain_replay_cache(Error& error, OM_uint32 minor) {
    const char* name = std::getenv("KRB5RCACHENAME");
    const std::string_view all = name == nullptr ? "" : name;
    error.code = Code::unavailable;
    error.message += "; write the replay cache " + std::string(all.substr(all.find(':') + 1)) + ": " +
                     std::strerror(static_cast<int>(minor));
    error.hint =
        "make room for that file: what is not recorded there could be replayed, so nobody is accepted";
}

class Acceptor final : public Handshake {
public:
    explicit Acceptor(std::shared_ptr<const AcceptingService> service) : service_(std::move(service)) {}

    StepAnswer step(std::string_view token) override {
        if (!key_) {
            auto asked = read_first_token(token);
            if (!asked) return {{}, {}, std::move(asked).error()};
            asked_ = std::move(*asked);
            // A ticket for another service is refused by the mechanism, with its own error token for the
            // peer.
            const std::string& principal =
                service_->serves(asked_.principal) ? asked_.principal : service_->principals()[0];
            auto key = service_->key_of(principal);
            if (!key) return {{}, {}, std::move(key).error()};
            key_ = std::move(*key);
        }
        return accept(token);
    }

private:
    StepAnswer accept(std::string_view token) {
        OM_uint32 minor = 0;
        gss_buffer_desc input = input_buffer(token);
        GssBuffer output;
        // Without a place for them, delegated credentials are not kept (FT-090).
        const OM_uint32 major = gss_accept_sec_context(&minor, context_.inout(), key_->cred.get(), &input,
                                                       GSS_C_NO_CHANNEL_BINDINGS, nullptr, nullptr,
                                                       output.out(), nullptr, nullptr, nullptr);
        StepAnswer answer{std::string(output.view()), {}, {}};
        if (GSS_ERROR(major)) {
            answer.error = failure(major, minor, token);
        } else if (major == GSS_S_COMPLETE) {
            finish(answer);
        }
        return answer;
    }

    void finish(StepAnswer& answer) {
        if (!service_->serves(asked_.principal)) {
            answer = {{},
                      {},
                      Error(Code::wrong_peer, Stage::handshake,
                            "accept a client: it asked for " + unit::shown(asked_.principal) +
                                ", which is not a name of this service",
                            "have it ask for " + service_->principals()[0] +
                                ", or add that name to the service's accept.spns if it is one of its own")};
            return;
        }
        auto established =
            establish(context_, {required_flags(service_->protection()), service_->principals()});
        if (established) {
            answer.established = std::move(*established);
        } else {
            answer = {{}, {}, std::move(established).error()};
        }
    }

    Error failure(OM_uint32 major, OM_uint32 minor, std::string_view token) const {
        Error error =
            gss_failure(Stage::handshake, "accept a client that asked for " + unit::shown(asked_.principal),
                        major, minor, Code::protocol);
        error = key_->keytab.explained(std::move(error));
        error.message = unit::one_line(error.message, 1024);
        if (is_of_writing(minor)) explain_replay_cache(error, minor);
        if (static_cast<krb5_error_code>(minor) == KRB5KRB_AP_ERR_TKT_EXPIRED) {
            error.code = Code::expired;
            error.hint = "the client has to get a new ticket";
        }
        if (error.code == Code::clock_skew)
            if (const auto ahead = client_ahead(token, key_->keytab))
                error.message += "; " + clock_text("the client's", *ahead);
        if (error.code == Code::no_credentials)
            error.code = Code::wrong_peer;  // it wants a key that we do not hold
        if (error.code == Code::wrong_peer && error.hint.empty()) explain_key(error, key_->keytab, asked_);
        return error;
    }

    std::shared_ptr<const AcceptingService> service_;
    AskedKey asked_;
    std::shared_ptr<const AcceptingKey> key_;
    GssContext context_;
};

Result<std::vector<KeyEntry>> keys_of(const std::string& keytab, const std::vector<std::string>& principals) {
    auto file = KeytabFile::open(keytab);
    if (!file) return std::move(file).error();
    auto keys = list_keys(*file);
    if (!keys) return std::move(keys).error();
    for (const std::string& principal : principals)
        if (kvnos_held(*keys, principal).empty()) return no_key(keytab, principal);
    std::erase_if(*keys, [&](const KeyEntry& key) {
        return std::find(principals.begin(), principals.end(), key.principal) == principals.end();
    });
    return keys;
}

}  // namespace

Result<std::shared_ptr<const AcceptingService>> AcceptingService::make(std::string keytab,
                                                                       std::vector<std::string> principals,
                                                                       Protection protection) {
    if (principals.empty())
        return Error(Code::invalid_request, Stage::request, "make an accepting grant: no principal is named");
    auto service = std::make_shared<AcceptingService>();
    for (const std::string& principal : principals) {
        auto text = canonical_principal(principal);
        if (!text) return std::move(text).error();
        service->principals_.push_back(std::move(*text));
    }
    auto keys = keys_of(keytab, service->principals_);
    if (!keys) return std::move(keys).error();
    service->keys_ = std::move(*keys);
    service->keytab_ = std::move(keytab);
    service->protection_ = protection;
    return std::shared_ptr<const AcceptingService>(std::move(service));
}

Result<std::shared_ptr<const AcceptingKey>> AcceptingService::key_of(const std::string& principal) const {
    auto keytab = KeytabFile::open(keytab_);
    if (!keytab) return std::move(keytab).error();
    std::shared_ptr<const AcceptingKey>& key = in_use_[principal];
    if (key && keytab->is_unchanged(key->keytab)) return key;
    key.reset();
    auto cred = acceptor_cred(*keytab, principal);
    if (!cred) return std::move(cred).error();
    key = std::make_shared<const AcceptingKey>(AcceptingKey{std::move(*keytab), std::move(*cred)});
    return key;
}

bool AcceptingService::serves(std::string_view principal) const {
    return std::find(principals_.begin(), principals_.end(), principal) != principals_.end();
}

std::unique_ptr<Handshake> begin_accepting(std::shared_ptr<const AcceptingService> service) {
    return std::make_unique<Acceptor>(std::move(service));
}

}  // namespace mutual::keys
