// SPDX-License-Identifier: Apache-2.0
// The head of an ONC RPC version 2 message (RFC 5531 section 9): a call up to its arguments, a reply up to
// its results. What follows is the program's, and is not looked at here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mutual/error.h"
#include "wire/xdr.h"

namespace mutual::wire {

inline constexpr std::uint32_t rpc_version = 2;
inline constexpr std::size_t max_auth = 400;  // octets of a credential's or verifier's body

enum class AuthFlavor : std::uint32_t { none = 0, sys = 1, gss = 6 };

// What became of a call that was accepted.
enum class AcceptStatus : std::uint32_t {
    success = 0,
    program_unavailable = 1,
    program_mismatch = 2,
    procedure_unavailable = 3,
    garbage_arguments = 4,
    system_error = 5,
};

// Why a call's authentication was refused; the last two are RFC 2203's.
enum class AuthStatus : std::uint32_t {
    bad_credential = 1,
    rejected_credential = 2,
    bad_verifier = 3,
    rejected_verifier = 4,
    too_weak = 5,
    invalid_response = 6,
    failed = 7,
    gss_credential_problem = 13,
    gss_context_problem = 14,
};

// Either may be of a kind that nobody here knows.
struct OpaqueAuth {
    AuthFlavor flavor = AuthFlavor::none;
    MutableBytes body;
};

// All parts lie in the record.
struct Call {
    std::uint32_t xid = 0;
    std::uint32_t rpc = rpc_version;  // of another version nothing more was read
    std::uint32_t program = 0;
    std::uint32_t version = 0;
    std::uint32_t procedure = 0;
    OpaqueAuth credential;
    OpaqueAuth verifier;
    Bytes head;  // xid to the end of the credential: what RPCSEC_GSS's verifier is about
    MutableBytes arguments;
};

struct Reply {
    enum class Kind : std::uint8_t { accepted, rpc_mismatch, auth_error };
    std::uint32_t xid = 0;
    Kind kind = Kind::accepted;
    OpaqueAuth verifier;                          // accepted
    AcceptStatus status = AcceptStatus::success;  // accepted
    AuthStatus why = AuthStatus::failed;          // auth_error
    std::uint32_t low = 0, high = 0;              // program_mismatch, rpc_mismatch
    MutableBytes results;                         // accepted with success
};

// Errors: protocol. A record that is the other kind of message is one.
Result<Call> read_call(MutableBytes record);
Result<Reply> read_reply(MutableBytes record);

// The head up to the procedure; a credential, a verifier and the arguments follow.
void put_call(XdrWriter& out, std::uint32_t xid, std::uint32_t program, std::uint32_t version,
              std::uint32_t procedure);
void put_auth(XdrWriter& out, AuthFlavor flavor, Bytes body);
// Up to the status; with success the results follow, with program_mismatch two versions.
void put_accepted(XdrWriter& out, std::uint32_t xid, const OpaqueAuth& verifier, AcceptStatus status);
// The same with those two, where it has them: of `like` its status, low and high are used.
void put_accepted(XdrWriter& out, std::uint32_t xid, const OpaqueAuth& verifier, const Reply& like);
void put_rpc_mismatch(XdrWriter& out, std::uint32_t xid);
void put_auth_error(XdrWriter& out, std::uint32_t xid, AuthStatus why);

std::string to_text(AcceptStatus status);
std::string to_text(AuthStatus why);

}  // namespace mutual::wire
