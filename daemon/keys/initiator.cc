// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/initiator.h"

#include "daemon/keys/clock_difference.h"
#include "daemon/keys/established.h"
#include "daemon/keys/gss_handle.h"
#include "daemon/keys/kerberos_error.h"
#include "daemon/unit/text.h"

namespace mutual::keys {

namespace {

constexpr OM_uint32 always = GSS_C_MUTUAL_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG;

// RPCSEC_GSS forbids replay and sequence detection (RFC 2203 5.2.2). Delegation is never asked for.
constexpr OM_uint32 asked_flags(Protection protection) {
    return protection == Protection::stream ? always | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG : always;
}

class Initiator final : public Handshake {
public:
    Initiator(Krb5MemoryCache cache, GssCred cred, std::string target, GssName target_name,
              Protection protection)
        : cache_(std::move(cache)),
          cred_(std::move(cred)),
          target_(std::move(target)),
          target_name_(std::move(target_name)),
          protection_(protection) {}

    StepAnswer step(std::string_view token) override {
        OM_uint32 minor = 0;
        gss_buffer_desc input = input_buffer(token);
        GssBuffer output;
        const OM_uint32 major =
            gss_init_sec_context(&minor, cred_.get(), context_.inout(), target_name_.get(), gss_mech_krb5,
                                 asked_flags(protection_), 0, GSS_C_NO_CHANNEL_BINDINGS, &input, nullptr,
                                 output.out(), nullptr, nullptr);
        StepAnswer answer{std::string(output.view()), {}, {}};
        if (GSS_ERROR(major)) {
            answer.error = failure(major, minor, token);
        } else if (major == GSS_S_COMPLETE) {
            finish(answer);
        }
        return answer;
    }

private:
    void finish(StepAnswer& answer) {
        auto established = establish(context_, {asked_flags(protection_), {target_}});
        if (established) {
            answer.established = std::move(*established);
        } else {
            answer.error = std::move(established).error();
        }
    }

    Error failure(OM_uint32 major, OM_uint32 minor, std::string_view token) const {
        Error error = gss_failure(
            Stage::handshake, "authenticate " + target_, major, minor,
            GSS_ROUTINE_ERROR(major) == GSS_S_DEFECTIVE_TOKEN ? Code::protocol : Code::wrong_peer);
        error.message = unit::one_line(error.message, 1024);  // the peer may have had a say in it
        if (static_cast<krb5_error_code>(minor) == KRB5KRB_ERR_GENERIC) {
            error.code = Code::refused_by_peer;
            error.message = "authenticate " + target_ +
                            ": the peer answered that something failed on its own side (KRB_ERR_GENERIC)";
            error.hint = "see the log of the peer";
        }
        if (error.code == Code::clock_skew)
            if (const auto ahead = acceptor_ahead(token))
                error.message += "; " + clock_text("the peer's", *ahead);
        if (error.code == Code::wrong_peer && error.hint.empty())
            error.hint =
                "the peer holds no valid key for that name: it is another service, or its keytab is "
                "outdated; "
                "see its log";
        return error;
    }

    Krb5MemoryCache cache_;
    GssCred cred_;
    std::string target_;
    GssName target_name_;
    GssContext context_;
    Protection protection_;
};

Result<GssCred> cred_from(krb5_context context, krb5_ccache cache) {
    Krb5Handle<char*, krb5_free_string> name(context);
    if (const auto code = krb5_cc_get_full_name(context, cache, name.out()))
        return krb5_failure(Stage::handshake, "use the ticket", context, code, Code::internal);
    gss_key_value_element_desc element{"ccache", name.get()};
    gss_key_value_set_desc store{1, &element};
    OM_uint32 minor = 0;
    gss_cred_id_t cred = GSS_C_NO_CREDENTIAL;
    const OM_uint32 major = gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE,
                                                  const_cast<gss_OID_set>(gss_mech_set_krb5), GSS_C_INITIATE,
                                                  &store, &cred, nullptr, nullptr);
    if (GSS_ERROR(major))
        return gss_failure(Stage::handshake, "use the ticket", major, minor, Code::no_credentials);
    return GssCred(cred);
}

}  // namespace

Result<std::unique_ptr<Handshake>> begin_initiating(const Ticket& ticket, Protection protection) {
    auto context = lasting_krb5_context();
    if (!context) return std::move(context).error();
    auto cache = memory_cache_of(*context, ticket);
    if (!cache) return std::move(cache).error();
    auto cred = cred_from(*context, cache->get());
    if (!cred) return std::move(cred).error();
    auto target = import_principal(ticket.server);
    if (!target) return std::move(target).error();
    return std::unique_ptr<Handshake>(std::make_unique<Initiator>(
        std::move(*cache), std::move(*cred), ticket.server, std::move(*target), protection));
}

}  // namespace mutual::keys
