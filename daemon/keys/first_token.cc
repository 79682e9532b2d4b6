// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/first_token.h"

#include "daemon/keys/krb5_handle.h"

namespace mutual::keys {

namespace {

constexpr std::string_view krb5_mechanism("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02", 9);
constexpr std::string_view spnego_mechanism("\x2b\x06\x01\x05\x05\x02", 6);
constexpr std::string_view ap_req_token("\x01\x00", 2), error_token("\x03\x00", 2);
constexpr unsigned tag_framing = 0x60, tag_oid = 0x06, tag_sequence = 0x30, tag_ap_req = 0x6e,
                   tag_ticket_field = 0xa3;

// Takes one DER element with a one-octet tag off the front of `rest`; gives its content.
std::optional<std::string_view> take(std::string_view& rest, unsigned tag) {
    if (rest.size() < 2 || static_cast<unsigned char>(rest[0]) != tag) return std::nullopt;
    std::size_t length = static_cast<unsigned char>(rest[1]);
    std::size_t head = 2;
    if (length > 0x80) {
        const std::size_t octets = length - 0x80;
        if (octets > 4 || rest.size() < 2 + octets) return std::nullopt;
        length = 0;
        for (; head < 2 + octets; ++head) length = length << 8 | static_cast<unsigned char>(rest[head]);
    } else if (length == 0x80) {
        return std::nullopt;
    }
    if (rest.size() - head < length) return std::nullopt;
    const std::string_view content = rest.substr(head, length);
    rest.remove_prefix(head + length);
    return content;
}

Error unreadable(const char* why) {
    return Error(Code::protocol, Stage::handshake, std::string("read the peer's first token: ") + why,
                 "see which program connects here: both ends need the same wire, and Kerberos V5");
}

// The ticket inside an AP-REQ: the field numbered 3.
std::optional<std::string_view> ticket_in(std::string_view ap_req) {
    const auto message = take(ap_req, tag_ap_req);
    if (!message || !ap_req.empty()) return std::nullopt;
    std::string_view rest = *message;
    auto fields = take(rest, tag_sequence);
    if (!fields) return std::nullopt;
    for (unsigned tag = 0xa0; tag < tag_ticket_field; ++tag)
        if (!take(*fields, tag)) return std::nullopt;
    return take(*fields, tag_ticket_field);
}

Result<AskedKey> read_ticket(std::string_view der) {
    auto context = lasting_krb5_context();
    if (!context) return std::move(context).error();
    krb5_data data{};
    data.data = const_cast<char*>(der.data());
    data.length = static_cast<unsigned>(der.size());
    Krb5Ticket ticket(*context);
    if (krb5_decode_ticket(&data, ticket.out()) != 0) return unreadable("its ticket cannot be decoded");
    return AskedKey{to_text(*context, ticket->server), ticket->enc_part.kvno, ticket->enc_part.enctype};
}

std::optional<std::string_view> message_in(std::string_view token, std::string_view id) {
    auto inner = take(token, tag_framing);
    if (!inner || take(*inner, tag_oid) != krb5_mechanism || !inner->starts_with(id)) return std::nullopt;
    return inner->substr(id.size());
}

}  // namespace

std::optional<std::string_view> kerberos_request_in(std::string_view token) {
    return message_in(token, ap_req_token);
}

std::optional<std::string_view> kerberos_error_in(std::string_view token) {
    return message_in(token, error_token);
}

Result<AskedKey> read_first_token(std::string_view token) {
    const auto framed = take(token, tag_framing);
    if (!framed || !token.empty()) return unreadable("it is not a framed GSS token");
    std::string_view inner = *framed;
    const auto mechanism = take(inner, tag_oid);
    if (!mechanism) return unreadable("it names no mechanism");
    if (*mechanism == spnego_mechanism)
        return unreadable("its mechanism is SPNEGO; only Kerberos V5 itself is accepted");
    if (*mechanism != krb5_mechanism) return unreadable("its mechanism is not Kerberos V5");
    if (!inner.starts_with(ap_req_token)) return unreadable("it holds no Kerberos request");
    inner.remove_prefix(ap_req_token.size());
    const auto ticket = ticket_in(inner);
    if (!ticket) return unreadable("its Kerberos request is malformed");
    return read_ticket(*ticket);
}

}  // namespace mutual::keys
