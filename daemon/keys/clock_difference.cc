// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/clock_difference.h"

#include <profile.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/keys/first_token.h"
#include "daemon/keys/krb5_handle.h"
#include "daemon/keys/ticket.h"

namespace mutual::keys {

namespace {

// libkrb5 takes the tolerated difference from its configuration only; this one tolerates every.
constexpr std::string_view tolerant = "[libdefaults]\nclockskew = 2000000000\n";

struct ProfileReleaser {
    void operator()(profile_t profile) const { profile_release(profile); }
};
using Profile = std::unique_ptr<std::remove_pointer_t<profile_t>, ProfileReleaser>;

// libkrb5 looks at the file's path again while the context lives.
struct TolerantContext {
    UniqueFd file;
    Krb5Context context;
};

std::optional<TolerantContext> tolerant_context() {
    UniqueFd file(::memfd_create("krb5.conf", MFD_CLOEXEC));
    if (!file ||
        ::write(file.value(), tolerant.data(), tolerant.size()) != static_cast<ssize_t>(tolerant.size()))
        return std::nullopt;
    const std::string path = "/proc/self/fd/" + std::to_string(file.value());
    profile_t raw = nullptr;
    if (profile_init_path(path.c_str(), &raw) != 0) return std::nullopt;
    const Profile profile(raw);
    krb5_context context = nullptr;
    if (krb5_init_context_profile(profile.get(), 0, &context) != 0) return std::nullopt;
    return TolerantContext{std::move(file), Krb5Context(context)};
}

krb5_data data_of(std::string_view bytes) {
    krb5_data data{};
    data.data = const_cast<char*>(bytes.data());
    data.length = static_cast<unsigned>(bytes.size());
    return data;
}

std::int64_t seconds(krb5_timestamp time) { return static_cast<std::uint32_t>(time); }

using AuthContext = Krb5Handle<krb5_auth_context, krb5_auth_con_free>;
using Authenticator = Krb5Handle<krb5_authenticator*, krb5_free_authenticator>;
using KrbError = Krb5Handle<krb5_error*, krb5_free_error>;

}  // namespace

std::optional<std::int64_t> client_ahead(std::string_view first_token, const KeytabFile& keytab_file) {
    const auto request = kerberos_request_in(first_token);
    const auto tolerant = tolerant_context();
    if (!request || !tolerant) return std::nullopt;
    const krb5_context context = tolerant->context.get();
    Krb5Keytab keytab(context);
    AuthContext state(context);
    Authenticator authenticator(context);
    const krb5_data data = data_of(*request);
    // Without the flag that asks for a replay cache: the token was refused already, and must not be recorded.
    if (krb5_kt_resolve(context, keytab_file.name().c_str(), keytab.out()) != 0 ||
        krb5_auth_con_init(context, state.out()) != 0 || krb5_auth_con_setflags(context, state.get(), 0) != 0)
        return std::nullopt;
    krb5_auth_context raw = state.get();
    if (krb5_rd_req(context, &raw, &data, nullptr, keytab.get(), nullptr, nullptr) != 0 ||
        krb5_auth_con_getauthenticator(context, raw, authenticator.out()) != 0)
        return std::nullopt;
    return seconds(authenticator->ctime) - now_seconds();
}

std::optional<std::int64_t> acceptor_ahead(std::string_view error_token) {
    const auto message = kerberos_error_in(error_token);
    auto context = make_krb5_context();
    if (!message || !context) return std::nullopt;
    const krb5_data data = data_of(*message);
    KrbError error(context->get());
    if (krb5_rd_error(context->get(), &data, error.out()) != 0) return std::nullopt;
    return seconds(error->stime) - now_seconds();
}

std::string clock_text(std::string_view whose, std::int64_t ahead) {
    const std::int64_t all = ahead < 0 ? -ahead : ahead;
    std::string text = std::string(whose) + " clock is ";
    if (all >= 60) text += std::to_string(all / 60) + " min ";
    return text + std::to_string(all % 60) + " s " + (ahead < 0 ? "behind" : "ahead of") + " this host's";
}

}  // namespace mutual::keys
