// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/ticket.h"

#include <cstring>
#include <ctime>
#include <optional>

#include "daemon/keys/kerberos_error.h"
#include "daemon/keys/utf8.h"
#include "daemon/unit/text.h"

namespace mutual::keys {

namespace {

constexpr std::string_view cache_file_head("\x05\x04\x00\x00", 4);  // version 4, no header fields

// krb5_timestamp is a 32-bit number that is read as unsigned, so that it lasts until 2106.
std::int64_t seconds(krb5_timestamp time) { return static_cast<std::uint32_t>(time); }

std::optional<std::uint32_t> big_endian(std::string_view bytes, std::size_t at) {
    if (bytes.size() < 4 || at > bytes.size() - 4) return std::nullopt;
    std::uint32_t value = 0;
    for (std::size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
}

// The length of the principal at the front of a marshalled credential: type, count, realm and components.
std::optional<std::size_t> principal_length(std::string_view bytes) {
    const auto count = big_endian(bytes, 4);
    if (!count || *count > 64) return std::nullopt;
    std::size_t at = 8;
    for (std::uint32_t i = 0; i <= *count; ++i) {
        const auto length = big_endian(bytes, at);
        if (!length || *length > bytes.size()) return std::nullopt;
        at += 4 + *length;
        if (at > bytes.size()) return std::nullopt;
    }
    return at;
}

Result<Krb5Creds> creds_of(krb5_context context, std::string_view marshalled) {
    krb5_data data{};
    data.data = const_cast<char*>(marshalled.data());
    data.length = static_cast<unsigned>(marshalled.size());
    Krb5Creds creds(context);
    if (const auto code = krb5_unmarshal_credentials(context, &data, creds.out()))
        return krb5_failure(Stage::credentials, "read a fetched ticket", context, code, Code::protocol);
    return creds;
}

}  // namespace

std::int64_t now_seconds() { return std::time(nullptr); }

Result<Ticket> ticket_of(krb5_context context, krb5_creds& creds) {
    krb5_data* data = nullptr;
    if (const auto code = krb5_marshal_credentials(context, &creds, &data))
        return krb5_failure(Stage::credentials, "marshal a ticket", context, code, Code::internal);
    Ticket ticket{Secret(std::string_view(data->data, data->length)), to_text(context, creds.client),
                  to_text(context, creds.server), seconds(creds.times.starttime),
                  seconds(creds.times.endtime)};
    ::explicit_bzero(data->data, data->length);
    krb5_free_data(context, data);
    return ticket;
}

Result<Ticket> unmarshal(Secret marshalled) {
    auto context = lasting_krb5_context();
    if (!context) return std::move(context).error();
    auto creds = creds_of(*context, marshalled.view());
    if (!creds) return std::move(creds).error();
    auto ticket = ticket_of(*context, **creds);
    if (!ticket) return std::move(ticket).error();
    // libkrb5 passes over what follows; in a cache file it would be further credentials, which nobody has
    // checked.
    if (ticket->marshalled.view() != marshalled.view())
        return Error(Code::protocol, Stage::credentials,
                     "read a fetched ticket: it is not what libkrb5 would have written");
    return ticket;
}

Result<Krb5MemoryCache> memory_cache_of(krb5_context context, const Ticket& ticket) {
    auto creds = creds_of(context, ticket.marshalled.view());
    if (!creds) return std::move(creds).error();
    Krb5MemoryCache cache(context);
    krb5_error_code code = krb5_cc_new_unique(context, "MEMORY", nullptr, cache.out());
    if (code == 0) code = krb5_cc_initialize(context, cache.get(), creds->get()->client);
    if (code == 0) code = krb5_cc_store_cred(context, cache.get(), creds->get());
    if (code != 0)
        return krb5_failure(Stage::credentials, "keep a ticket in memory", context, code, Code::internal);
    return cache;
}

Result<Secret> cache_file_of(const Ticket& ticket) {
    const std::string_view creds = ticket.marshalled.view();
    const auto client = principal_length(creds);
    if (!client)
        return Error(Code::internal, Stage::credentials, "write a credential cache: the ticket is malformed");
    Secret file(cache_file_head.size() + *client + creds.size());
    char* out = file.data();
    out += cache_file_head.copy(out, cache_file_head.size());
    out += creds.copy(out, *client);
    creds.copy(out, creds.size());
    return file;
}

Result<void> check_ticket(const Ticket& ticket, std::string_view server, std::int64_t minimum_lifetime) {
    if (ticket.server != server)
        return Error(Code::wrong_peer, Stage::credentials,
                     "check the fetched ticket: it is for " + unit::one_line(ticket.server, 256) +
                         ", not for " + std::string(server));
    if (!is_utf8(ticket.client))
        return Error(Code::wrong_peer, Stage::credentials,
                     "check the fetched ticket: its client " + unit::shown(ticket.client) + " is not UTF-8",
                     "principals must be named in UTF-8");
    const std::int64_t left = ticket.end - now_seconds();
    if (left > 0 && left >= minimum_lifetime) return {};
    if (left <= 0)
        return Error(Code::no_credentials, Stage::credentials,
                     "check the ticket for " + ticket.server + ": it has expired",
                     "run kinit to get a new ticket");
    return Error(Code::no_credentials, Stage::credentials,
                 "check the ticket for " + ticket.server + ": it lasts " + std::to_string(left) + " s, and " +
                     std::to_string(minimum_lifetime) + " s are asked for",
                 "run kinit to get a new ticket, or ask for less");
}

}  // namespace mutual::keys
