// SPDX-License-Identifier: Apache-2.0
// RPCSEC_GSS version 1 (RFC 2203): its credential, the results of context creation, the protected bodies of
// calls and replies, and the acceptor's window of sequence numbers.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <vector>

#include "mutual/transport.h"
#include "wire/xdr.h"

namespace mutual::wire {

enum class GssProcedure : std::uint32_t { data = 0, init = 1, continue_init = 2, destroy = 3 };
enum class GssService : std::uint32_t { none = 1, integrity = 2, privacy = 3 };

inline constexpr std::uint32_t gss_version = 1;
inline constexpr std::uint32_t max_sequence = 0x80000000;  // MAXSEQ: no call may have a higher number
inline constexpr std::size_t max_handle = 256;             // octets; ours have 16
inline constexpr std::size_t max_init_token = 131'072;  // libtirpc's own bound of 1,024 keeps AD's users out

struct GssCredential {
    GssProcedure procedure = GssProcedure::data;
    std::uint32_t sequence = 0;
    GssService service = GssService::privacy;
    Bytes handle;  // empty in INIT
};
// Errors: protocol. Another version than 1 is one.
Result<GssCredential> read_credential(MutableBytes body);
std::vector<std::byte> to_xdr(const GssCredential& credential);

// The argument of INIT and CONTINUE_INIT. Errors: protocol, limit.
Result<MutableBytes> read_init_token(MutableBytes arguments);

// Their results (rpc_gss_init_res).
struct InitResult {
    Bytes handle;
    std::uint32_t major = 0;  // GSS_S_*
    std::uint32_t minor = 0;
    std::uint32_t window = 0;
    MutableBytes token;
};
Result<InitResult> read_init_result(MutableBytes results);
void put_init_result(XdrWriter& out, const InitResult& result);

// A number as the verifiers of replies are made over.
std::array<std::byte, 4> to_xdr(std::uint32_t number);

// Arguments or results under a service: with `none` as they are, else with the sequence number inside.
// Errors: what the context says.
Result<void> put_protected(XdrWriter& out, SecurityContext& context, GssService service,
                           std::uint32_t sequence, Bytes body);
// What was protected, in the record's own memory. Errors: protocol: altered, not confidential, of another
// sequence number, malformed, or more than that. Supplementary status is not looked at: RPC calls have an
// order of their own.
Result<MutableBytes> open_protected(SecurityContext& context, GssService service, std::uint32_t sequence,
                                    MutableBytes body);

// Which sequence numbers were seen (RFC 2203 5.3.3.1): the highest one, and those of the `size` below it.
// Moved only for calls whose verifier is good.
class SequenceWindow {
public:
    static constexpr std::uint32_t size = 256;

    // False: seen before, or too old to tell. Such a call is dropped without a word.
    bool is_fresh(std::uint32_t sequence) const;
    void mark(std::uint32_t sequence);

private:
    std::uint32_t highest_ = 0;
    bool is_empty_ = true;
    std::bitset<size> seen_;  // by number modulo size
};

}  // namespace mutual::wire
