// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/security_context.h"

#include <algorithm>

namespace mutual::fakes {
namespace {

// Token: tag, flags, direction, 5 zeros, sequence (8, big-endian) | plaintext | checksum (8), 4 zeros.
constexpr std::byte wrap_tag{0x57};
constexpr std::byte mic_tag{0x4d};
constexpr std::byte sealed_flag{1};
constexpr std::uint64_t replay_window = 64;

void put(MutableBytes to, std::uint64_t value) {
    for (std::size_t i = 0; i < 8; ++i) to[i] = static_cast<std::byte>(value >> (8 * (7 - i)));
}

std::uint64_t take(Bytes from) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) value = value << 8U | std::to_integer<std::uint64_t>(from[i]);
    return value;
}

std::byte direction(Role sender) { return sender == Role::initiator ? std::byte{0} : std::byte{1}; }

Role other(Role role) { return role == Role::initiator ? Role::acceptor : Role::initiator; }

std::byte mask(std::uint64_t key, std::uint64_t sequence) {
    return static_cast<std::byte>((key * 31 + sequence * 7 + 0xa5) & 0xffU);
}

void mask_all(MutableBytes text, std::byte with) {
    for (auto& octet : text) octet ^= with;
}

Error altered(std::string_view what) {
    return {Code::protocol, Stage::channel, std::string{what} + ": a token had an invalid signature"};
}

}  // namespace

FakeSecurityContext::FakeSecurityContext(Role role, std::uint64_t key) : role_(role), key_(key) {
    facts_.initiator = "alice@EXAMPLE";
    facts_.acceptor = "ledger/server.example@EXAMPLE";
    facts_.flags = full_flags;
}

std::size_t FakeSecurityContext::largest_plaintext(std::size_t token) const {
    return token > header + trailer ? token - header - trailer : 0;
}

Result<void> FakeSecurityContext::seal(MutableBytes frame, std::size_t plaintext) {
    if (fails) return *fails;
    ++sealed;
    const auto text = frame.subspan(header, plaintext);
    const auto sequence = next_sent_++;
    std::fill_n(frame.begin(), header, std::byte{0});
    frame[0] = wrap_tag;
    frame[1] = seals_integrity_only ? std::byte{0} : sealed_flag;
    frame[2] = direction(role_);
    put(frame.subspan(8), sequence);
    if (!seals_integrity_only) mask_all(text, mask(key_, sequence));
    const auto end = frame.subspan(header + plaintext, trailer);
    std::fill(end.begin(), end.end(), std::byte{0});
    put(end, checksum(frame.first(header + plaintext), 1));
    return {};
}

Result<SecurityContext::Opened> FakeSecurityContext::open(MutableBytes token) {
    if (fails) return *fails;
    ++opened;
    if (token.size() < header + trailer || token[0] != wrap_tag || token[2] != direction(other(role_)))
        return altered("open a record");
    const auto signed_part = token.first(token.size() - trailer);
    const auto end = token.last(trailer);
    const bool padding =
        std::all_of(end.begin() + 8, end.end(), [](std::byte octet) { return octet == std::byte{0}; });
    if (!padding || take(end) != checksum(signed_part, 1)) return altered("open a record");
    const auto sequence = take(token.subspan(8));
    const auto text = signed_part.subspan(header);
    const bool confidential = token[1] == sealed_flag;
    if (confidential) mask_all(text, mask(key_, sequence));
    return Opened{text, confidential, judge(sequence)};
}

// RFC 2743, 1.2.3
Supplementary FakeSecurityContext::judge(std::uint64_t sequence) {
    Supplementary status;
    if (sequence >= next_expected_) {
        const auto ahead = sequence - next_expected_ + 1;
        status.gap = ahead > 1;
        seen_ = ahead < replay_window ? seen_ << ahead : 0;
        next_expected_ = sequence + 1;
    }
    const auto back = next_expected_ - 1 - sequence;
    if (back >= replay_window) {
        status.old = true;
        return status;
    }
    const auto bit = std::uint64_t{1} << back;
    status.duplicate = (seen_ & bit) != 0;
    status.unsequenced = !status.duplicate && back > 0;
    seen_ |= bit;
    return status;
}

Result<std::vector<std::byte>> FakeSecurityContext::mic(Bytes message) {
    std::vector<std::byte> token(18);
    token[0] = mic_tag;
    token[1] = direction(role_);
    put(MutableBytes{token}.subspan(2), next_sent_++);
    put(MutableBytes{token}.subspan(10), checksum(message, take(Bytes{token}.subspan(2)) * 2));
    return token;
}

Result<Supplementary> FakeSecurityContext::verify(Bytes message, Bytes mic) {
    if (mic.size() != 18 || mic[0] != mic_tag || mic[1] != direction(other(role_)))
        return altered("verify a message");
    const auto sequence = take(mic.subspan(2));
    if (take(mic.subspan(10)) != checksum(message, sequence * 2)) return altered("verify a message");
    return judge(sequence);
}

Result<void> FakeSecurityContext::prf(Bytes input, MutableBytes output) {
    auto state = checksum(input, 3);
    for (auto& octet : output) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        octet = static_cast<std::byte>(state >> 56U);
    }
    return {};
}

// FNV-1a, keyed
std::uint64_t FakeSecurityContext::checksum(Bytes message, std::uint64_t salt) const {
    std::uint64_t state = 14695981039346656037U ^ key_ * 2654435761U ^ salt;
    for (const auto octet : message) state = (state ^ std::to_integer<std::uint64_t>(octet)) * 1099511628211U;
    return state;
}

}  // namespace mutual::fakes
