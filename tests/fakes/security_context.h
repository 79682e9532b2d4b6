// SPDX-License-Identifier: Apache-2.0
// A toy security context, with the shape of RFC 4121 tokens and no secrecy at all: it detects what is
// altered, replayed, missing and out of order as the real one does. Two contexts made with the same key talk
// to each other.
#pragma once

#include "mutual/transport.h"

namespace mutual::fakes {

inline constexpr ContextFlags full_flags{
    .mutual = true, .confidentiality = true, .integrity = true, .replay = true, .sequence = true};

class FakeSecurityContext final : public SecurityContext {
public:
    static constexpr std::size_t header = 16;
    static constexpr std::size_t trailer = 12;

    FakeSecurityContext(Role role, std::uint64_t key);

    Layout layout(std::size_t) const override { return {header, trailer}; }
    std::size_t largest_plaintext(std::size_t token) const override;
    Result<void> seal(MutableBytes frame, std::size_t plaintext) override;
    Result<Opened> open(MutableBytes token) override;
    Result<std::vector<std::byte>> mic(Bytes message) override;
    Result<Supplementary> verify(Bytes message, Bytes mic) override;
    Result<void> prf(Bytes input, MutableBytes output) override;
    const ContextFacts& facts() const override { return facts_; }
    bool is_expired() const override { return expired; }

    // Knobs
    ContextFacts facts_;
    bool expired = false;
    bool seals_integrity_only = false;
    std::optional<Error> fails;  // seal and open answer with this
    std::size_t sealed = 0;
    std::size_t opened = 0;

private:
    Supplementary judge(std::uint64_t sequence);
    std::uint64_t checksum(Bytes message, std::uint64_t salt) const;

    Role role_;
    std::uint64_t key_;
    std::uint64_t next_sent_ = 0;
    std::uint64_t next_expected_ = 0;
    std::uint64_t seen_ = 0;  // bit n: next_expected_ - 1 - n has come
};

}  // namespace mutual::fakes
