// SPDX-License-Identifier: Apache-2.0
#include "wire/rpcsec_gss.h"

#include <algorithm>

namespace mutual::wire {

namespace {

constexpr std::size_t largest_body = 1UL << 30;  // the record that it lies in was bounded
constexpr std::size_t max_mic = 1'024;

Error malformed(const std::string& what) {
    return {Code::protocol, Stage::channel, "read RPCSEC_GSS: " + what};
}

// The sequence number and what follows it.
Result<MutableBytes> without_sequence(MutableBytes body, std::uint32_t sequence) {
    XdrReader in(body);
    const std::uint32_t inner = in.number();
    const MutableBytes rest = in.rest();
    if (!in.is_good()) return malformed("a protected body has no sequence number");
    if (inner != sequence)
        return malformed("sequence number " + std::to_string(inner) + " inside, " + std::to_string(sequence) +
                         " outside");
    return rest;
}

Result<MutableBytes> open_integrity(SecurityContext& context, XdrReader& in) {
    const MutableBytes body = in.opaque(largest_body);
    const MutableBytes checksum = in.opaque(max_mic);
    if (!in.is_good() || !in.is_at_end()) return malformed("a body under integrity has another length");
    if (auto verified = context.verify(body, checksum); !verified) return std::move(verified).error();
    return body;
}

Result<MutableBytes> open_privacy(SecurityContext& context, XdrReader& in) {
    const MutableBytes token = in.opaque(largest_body);
    if (!in.is_good() || !in.is_at_end()) return malformed("a body under privacy has another length");
    auto opened = context.open(token);
    if (!opened) return std::move(opened).error();
    if (!opened->confidential) return malformed("a body under privacy is not confidential");
    return opened->plaintext;
}

Result<void> put_integrity(XdrWriter& out, SecurityContext& context, std::uint32_t sequence, Bytes body) {
    std::vector<std::byte> inner(4 + body.size());
    std::ranges::copy(to_xdr(sequence), inner.begin());
    std::ranges::copy(body, inner.begin() + 4);
    auto mic = context.mic(inner);
    if (!mic) return std::move(mic).error();
    out.opaque(inner);
    out.opaque(*mic);
    return {};
}

Result<void> put_privacy(XdrWriter& out, SecurityContext& context, std::uint32_t sequence, Bytes body) {
    const auto number = to_xdr(sequence);
    const std::size_t size = number.size() + body.size();
    const SecurityContext::Layout layout = context.layout(size);
    const MutableBytes frame = out.opaque_room(layout.header + size + layout.trailer);
    const auto at =
        std::copy(number.begin(), number.end(), frame.begin() + static_cast<std::ptrdiff_t>(layout.header));
    std::copy(body.begin(), body.end(), at);
    return context.seal(frame, size);
}

}  // namespace

Result<GssCredential> read_credential(MutableBytes body) {
    XdrReader in(body);
    const std::uint32_t version = in.number();
    if (in.is_good() && version != gss_version)
        return malformed("version " + std::to_string(version) + ", not 1");
    GssCredential credential;
    credential.procedure = static_cast<GssProcedure>(in.number());
    credential.sequence = in.number();
    credential.service = static_cast<GssService>(in.number());
    credential.handle = in.opaque(max_handle);
    if (!in.is_good() || !in.is_at_end()) return malformed("a credential has another length");
    if (credential.procedure > GssProcedure::destroy)
        return malformed("procedure " + std::to_string(static_cast<std::uint32_t>(credential.procedure)));
    if (credential.service < GssService::none || credential.service > GssService::privacy)
        return malformed("service " + std::to_string(static_cast<std::uint32_t>(credential.service)));
    return credential;
}

std::vector<std::byte> to_xdr(const GssCredential& credential) {
    XdrWriter out;
    out.number(gss_version);
    out.number(static_cast<std::uint32_t>(credential.procedure));
    out.number(credential.sequence);
    out.number(static_cast<std::uint32_t>(credential.service));
    out.opaque(credential.handle);
    return out.take();
}

Result<MutableBytes> read_init_token(MutableBytes arguments) {
    XdrReader in(arguments);
    const MutableBytes token = in.opaque(max_init_token);
    if (!in.is_good() && arguments.size() > max_init_token)
        return Error(Code::limit, Stage::handshake,
                     "a token is longer than " + std::to_string(max_init_token) + " octets");
    if (!in.is_good() || !in.is_at_end()) return malformed("the argument of INIT has another length");
    return token;
}

Result<InitResult> read_init_result(MutableBytes results) {
    XdrReader in(results);
    InitResult result;
    result.handle = in.opaque(max_handle);
    result.major = in.number();
    result.minor = in.number();
    result.window = in.number();
    result.token = in.opaque(max_init_token);
    if (!in.is_good() || !in.is_at_end()) return malformed("the result of INIT has another length");
    return result;
}

void put_init_result(XdrWriter& out, const InitResult& result) {
    out.opaque(result.handle);
    out.number(result.major);
    out.number(result.minor);
    out.number(result.window);
    out.opaque(result.token);
}

std::array<std::byte, 4> to_xdr(std::uint32_t number) {
    return {static_cast<std::byte>(number >> 24), static_cast<std::byte>(number >> 16),
            static_cast<std::byte>(number >> 8), static_cast<std::byte>(number)};
}

Result<void> put_protected(XdrWriter& out, SecurityContext& context, GssService service,
                           std::uint32_t sequence, Bytes body) {
    if (service == GssService::integrity) return put_integrity(out, context, sequence, body);
    if (service == GssService::privacy) return put_privacy(out, context, sequence, body);
    out.raw(body);
    return {};
}

Result<MutableBytes> open_protected(SecurityContext& context, GssService service, std::uint32_t sequence,
                                    MutableBytes body) {
    if (service == GssService::none) return body;
    XdrReader in(body);
    auto opened = service == GssService::integrity ? open_integrity(context, in) : open_privacy(context, in);
    if (!opened) return std::move(opened).error();
    return without_sequence(*opened, sequence);
}

bool SequenceWindow::is_fresh(std::uint32_t sequence) const {
    if (is_empty_ || sequence > highest_) return true;
    if (highest_ - sequence >= size) return false;
    return !seen_[sequence % size];
}

void SequenceWindow::mark(std::uint32_t sequence) {
    if (is_empty_ || sequence > highest_) {
        // Those between the old highest one and this were not seen.
        const std::uint32_t skipped = is_empty_ ? size : sequence - highest_;
        if (skipped >= size) seen_.reset();
        for (std::uint32_t i = 1; i < skipped && skipped < size; ++i) seen_[(highest_ + i) % size] = false;
        highest_ = sequence;
        is_empty_ = false;
    }
    if (highest_ - sequence < size) seen_[sequence % size] = true;
}

}  // namespace mutual::wire
