// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/established.h"

#include <profile.h>

#include <algorithm>
#include <array>

#include "daemon/keys/kerberos_error.h"
#include "daemon/keys/krb5_handle.h"
#include "daemon/keys/sealed_file.h"
#include "daemon/keys/ticket.h"
#include "daemon/keys/utf8.h"
#include "daemon/unit/text.h"

namespace mutual::keys {

namespace {

// What GSS says of a context.
struct Inquiry {
    GssName initiator;
    GssName acceptor;
    OM_uint32 lifetime = 0;
    OM_uint32 flags = 0;
    gss_OID mechanism = GSS_C_NO_OID;
    bool ours = false;  // we are its initiator
    bool open = false;
};

Result<Inquiry> inquire(const GssContext& context) {
    OM_uint32 minor = 0;
    gss_name_t initiator = GSS_C_NO_NAME, acceptor = GSS_C_NO_NAME;
    Inquiry inquiry;
    int ours = 0, open = 0;
    const OM_uint32 major =
        gss_inquire_context(&minor, context.get(), &initiator, &acceptor, &inquiry.lifetime,
                            &inquiry.mechanism, &inquiry.flags, &ours, &open);
    inquiry.initiator.reset(initiator);
    inquiry.acceptor.reset(acceptor);
    inquiry.ours = ours != 0;
    inquiry.open = open != 0;
    if (GSS_ERROR(major))
        return gss_failure(Stage::handshake, "inspect the finished context", major, minor, Code::internal);
    return inquiry;
}

std::string names_of(OM_uint32 flags) {
    constexpr std::array<std::pair<OM_uint32, const char*>, 5> known{
        {{GSS_C_MUTUAL_FLAG, "mutual authentication"},
         {GSS_C_CONF_FLAG, "confidentiality"},
         {GSS_C_INTEG_FLAG, "integrity"},
         {GSS_C_REPLAY_FLAG, "replay detection"},
         {GSS_C_SEQUENCE_FLAG, "sequence detection"}}};
    std::string text;
    for (const auto& [flag, name] : known)
        if ((flags & flag) != 0) text.append(text.empty() ? "" : ", ").append(name);
    return text;
}

Result<void> check_flags(const Inquiry& inquiry, OM_uint32 required) {
    if (const OM_uint32 missing = required & ~inquiry.flags; missing != 0)
        return Error(Code::unprotected, Stage::handshake,
                     "check the finished context: it lacks " + names_of(missing),
                     inquiry.ours ? "" : "the initiator has to ask for it");
    if ((inquiry.flags & GSS_C_ANON_FLAG) != 0)
        return Error(Code::wrong_peer, Stage::handshake,
                     "check the finished context: the initiator is anonymous");
    return {};
}

Result<void> check_mechanism(const Inquiry& inquiry) {
    if (!inquiry.open || inquiry.mechanism == GSS_C_NO_OID ||
        !gss_oid_equal(inquiry.mechanism, gss_mech_krb5))
        return Error(Code::wrong_peer, Stage::handshake,
                     "check the finished context: its mechanism is not Kerberos V5");
    return {};
}

Result<std::string> sayable_name(const GssName& name) {
    std::string text = name ? to_text(name.get()) : std::string();
    if (!text.empty() && is_utf8(text)) return text;
    return Error(Code::wrong_peer, Stage::handshake,
                 "check the finished context: the name " + unit::shown(text) + " is not UTF-8",
                 "principals must be named in UTF-8");
}

// An acceptor's lifetime counts the clock skew that it allows; a channel ends with the ticket itself.
std::int64_t allowed_skew() {
    int skew = 300;
    auto context = lasting_krb5_context();
    profile_t profile = nullptr;
    if (!context || krb5_get_profile(*context, &profile) != 0) return skew;
    profile_get_integer(profile, "libdefaults", "clockskew", nullptr, skew, &skew);
    profile_release(profile);
    return skew;
}

Result<Secret> export_context(GssContext& context) {
    OM_uint32 minor = 0;
    GssBuffer token;
    const OM_uint32 major = gss_export_sec_context(&minor, context.inout(), token.out());
    if (GSS_ERROR(major))
        return gss_failure(Stage::handshake, "export the finished context", major, minor, Code::internal);
    if (token.view().size() > max_sealed)
        return Error(Code::limit, Stage::handshake, "export the finished context: it is larger than 256 KiB",
                     "the client's ticket carries too much authorization data");
    return Secret(token.view());
}

Flags flags_of(OM_uint32 flags) {
    const auto has = [flags](OM_uint32 flag) { return (flags & flag) != 0; };
    return {has(GSS_C_MUTUAL_FLAG), has(GSS_C_CONF_FLAG),     has(GSS_C_INTEG_FLAG),
            has(GSS_C_REPLAY_FLAG), has(GSS_C_SEQUENCE_FLAG), has(GSS_C_DELEG_FLAG)};
}

}  // namespace

Result<Established> establish(GssContext& context, const Required& required) {
    auto inquiry = inquire(context);
    if (!inquiry) return std::move(inquiry).error();
    if (auto mechanism = check_mechanism(*inquiry); !mechanism) return std::move(mechanism).error();
    auto acceptor = sayable_name(inquiry->acceptor);
    if (!acceptor) return std::move(acceptor).error();
    if (std::ranges::find(required.acceptors, *acceptor) == required.acceptors.end())
        return Error(Code::wrong_peer, Stage::handshake,
                     "check the finished context: its acceptor is " + unit::one_line(*acceptor, 256));
    if (auto flags = check_flags(*inquiry, required.flags); !flags) return std::move(flags).error();
    const std::int64_t lifetime = inquiry->lifetime - (inquiry->ours ? 0 : allowed_skew());
    if (lifetime <= 0)
        return Error(Code::expired, Stage::handshake, "check the finished context: its ticket has expired");
    auto initiator = sayable_name(inquiry->initiator);
    if (!initiator) return std::move(initiator).error();
    Established established;
    established.initiator = std::move(*initiator);
    established.acceptor = std::move(*acceptor);
    established.flags = flags_of(inquiry->flags);
    established.expires = now_seconds() + lifetime;
    auto exported = export_context(context);
    if (!exported) return std::move(exported).error();
    established.context = std::move(*exported);
    return established;
}

}  // namespace mutual::keys
