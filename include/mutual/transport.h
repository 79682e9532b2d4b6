// SPDX-License-Identifier: Apache-2.0
// The contract of a transport plugin: a wire protocol as a pure object. A Session lives as long as its
// channel and does no input or output of its own: bytes, answers and time come in through its methods; what
// it wants leaves through its SessionHost, at any moment. It holds no socket, thread, clock, key or GSS
// handle; security contexts are numbered, belong to the host, and are used through SecurityContext. So a test
// passes fakes and drives it octet by octet.
//
// Order of events, initiator: start -> step(0, {}) ... stepped -> ... -> established -> program and network
// bytes. Acceptor: start -> network bytes -> step(0, token) -> stepped(done) -> admit(0) -> admitted -> (last
// token out)
// -> established. Nothing may reach the program before established(). A Session may open further contexts
// (1, 2, ...; at most max_contexts) at any time afterwards, and may answer the program without the network.
// Further contexts are of the same two principals, or their step fails with wrong_peer; they need no further
// admission.
//
// Calls into a Session are never nested: what a SessionHost method causes arrives later, as a call of its
// own. After end() nothing more arrives. All calls come from one thread.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mutual/error.h"
#include "mutual/plugin.h"

namespace mutual {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;
using Instant = std::chrono::steady_clock::time_point;

enum class Role : std::uint8_t { initiator, acceptor };

// GSS-API flags of an established context (RFC 2743 1.2.1), already verified against what the role requires.
struct ContextFlags {
    bool mutual = false;
    bool confidentiality = false;
    bool integrity = false;
    bool replay = false;
    bool sequence = false;
    bool delegation = false;
};

struct ContextFacts {
    std::string initiator;  // full principal
    std::string acceptor;   // full principal of the service that was asked for
    ContextFlags flags;
    std::chrono::system_clock::time_point expires;  // the ticket's end
};

// Supplementary status of a token that is genuine (RFC 2743 1.2.1.1). On an ordered wire any of them is
// fatal.
struct Supplementary {
    bool duplicate = false;
    bool old = false;
    bool unsequenced = false;
    bool gap = false;
    bool none() const { return !duplicate && !old && !unsequenced && !gap; }
};

// Per-message protection by one established context. Errors: protocol (altered), expired, internal.
class SecurityContext {
public:
    virtual ~SecurityContext() = default;

    // Octets that sealing puts before and after a plaintext of that length.
    struct Layout {
        std::size_t header = 0;
        std::size_t trailer = 0;
    };
    virtual Layout layout(std::size_t plaintext) const = 0;
    // The longest plaintext whose sealed form fits into `token` octets; 0 if none does.
    virtual std::size_t largest_plaintext(std::size_t token) const = 0;

    // Seals in place, with confidentiality: `frame` is header + plaintext + trailer as layout() said, with
    // the plaintext already in the middle. Afterwards `frame` is one RFC 4121 wrap token.
    virtual Result<void> seal(MutableBytes frame, std::size_t plaintext) = 0;

    struct Opened {
        MutableBytes plaintext;  // a part of the token's own memory; may be empty
        bool confidential = false;
        Supplementary supplementary;
    };
    // Opens one whole wrap token in place.
    virtual Result<Opened> open(MutableBytes token) = 0;

    virtual Result<std::vector<std::byte>> mic(Bytes message) = 0;
    virtual Result<Supplementary> verify(Bytes message, Bytes mic) = 0;
    // Pseudo-random octets that both ends can compute (RFC 4401, GSS_C_PRF_KEY_FULL); fills `output`.
    virtual Result<void> prf(Bytes input, MutableBytes output) = 0;

    virtual const ContextFacts& facts() const = 0;
    // Whether the ticket's end has come. The host ends a channel whose last context has expired; a wire with
    // several takes nothing new under one that has.
    virtual bool is_expired() const = 0;
};

using ContextNumber = std::uint32_t;
inline constexpr ContextNumber max_contexts = 64;  // per Session, over its whole life at one time

// What one step of a handshake gave. Either `error`, or a token to send, or completion, or both of these.
struct StepAnswer {
    std::vector<std::byte> token;  // to the peer; may be empty
    SecurityContext* established =
        nullptr;                 // set when the context is complete; the host's, valid until end()
    std::optional<Error> error;  // fatal for this context; `token` may then hold an error token for the peer
};

// Whom the administrator lets a peer act as on this host.
struct LocalUser {
    std::uint32_t uid = 65534;
    std::uint32_t gid = 65534;
    std::vector<std::uint32_t> gids;  // at most 16
};

struct AdmissionAnswer {
    bool admitted = false;
    std::optional<Error> error;  // why not; for logs, never for the peer
    // Names the channel to the local server where a protocol has room for 32 bits only: unique among the live
    // channels of the transport, never 0, and known to WhoIs.
    std::uint32_t stamp = 0;
    std::optional<LocalUser> acts_as;
};

// How a stream ended, as far as this side can prove (recorded before the program sees its end of stream).
enum class Verdict : std::uint8_t {
    authenticated,    // the peer said, under protection, that it will send no more
    unauthenticated,  // the connection ended without that: the stream may have been cut
    reset,            // the connection broke, or a record was altered, replayed, missing or malformed
    expired,          // the ticket's lifetime ended
    denied,           // admission was refused or withdrawn
};
inline constexpr std::array<std::string_view, 5> verdict_names{"authenticated", "unauthenticated", "reset",
                                                               "expired", "denied"};
constexpr std::string_view name(Verdict verdict) { return verdict_names[static_cast<std::size_t>(verdict)]; }

// A bounded output queue of the host. reserve() gives writable room at the end of the queue, which commit()
// makes part of the stream. The room is valid until the next reserve() on the same outlet, and is empty when
// the bound would be passed: a Session must then end with `limit`. While a queue is longer than its low mark
// the host passes no further bytes in from the other side, so a Session that answers n octets with O(n) never
// meets the bound.
class Outlet {
public:
    virtual MutableBytes reserve(std::size_t size) = 0;
    virtual void commit(std::size_t size) = 0;

protected:
    ~Outlet() = default;
};

class SessionHost {
public:
    virtual Outlet& network() = 0;
    virtual Outlet& program() = 0;  // usable after established() only

    // Advance handshake `context`; the first use of a number creates it. Answer: Session::stepped.
    virtual void step(ContextNumber context, Bytes token) = 0;
    // Acceptor: ask the broker about the peer of a completed context. `claim` is what the plugin knows
    // besides, shown in logs only ("program 200001 version 2"). Answer: Session::admitted.
    virtual void admit(ContextNumber context, std::string claim) = 0;
    // The channel is authenticated; the program may be connected. Once.
    virtual void established() = 0;
    // Forget a context that is of no use any more.
    virtual void discard(ContextNumber context) = 0;
    // Initiator: from when on its newest context should be replaced by a further one, because its ticket
    // ends. The far future for an acceptor, and for a wire with one context.
    virtual Instant renew_at() const = 0;
    // As step(context, {}), with a ticket that ends later than the newest context's; where there is none, the
    // step fails.
    virtual void renew(ContextNumber context) = 0;

    // Pass no program bytes in until it is called with false.
    virtual void hold_program(bool hold) = 0;
    // So many calls of the program were made, or came for it; for lists and metrics.
    virtual void count_calls(std::uint64_t calls) = 0;

    // No more bytes follow in that direction; shown after what was committed has been written.
    virtual void network_end() = 0;
    virtual void program_end(Verdict verdict) = 0;
    // The channel is over: both directions close once what was committed to them is written (reset: at once).
    virtual void end(Verdict verdict, std::optional<Error> error) = 0;

    // Call Session::wake at that instant; replaces an earlier one. It may come early, when a clock was set.
    virtual void wake_at(Instant when) = 0;
    virtual Instant now() const = 0;

protected:
    ~SessionHost() = default;
};

class Session {
public:
    virtual ~Session() = default;

    virtual void start() = 0;
    // At most 128 KiB at a time. Octets may be changed in place, and are gone afterwards: a Session copies
    // what it must keep, and keeps no more than one record. Before established() the host passes none in
    // while a step or an admission is unanswered, so that a peer who is done first cannot flood the Session.
    virtual void network_bytes(MutableBytes bytes) = 0;
    virtual void network_end() = 0;  // the peer closed its direction
    virtual void program_bytes(Bytes bytes) = 0;
    virtual void program_end() = 0;  // the program closed its direction
    virtual void stepped(ContextNumber context, StepAnswer answer) = 0;
    virtual void admitted(ContextNumber context, AdmissionAnswer answer) = 0;
    virtual void wake() = 0;
    // The most octets that it may reserve at a time: the bounds of both outlets are raised by that, if it is
    // more than 128 KiB. Asked once, before start().
    virtual std::size_t largest_output() const { return 0; }
};

struct SessionParameters {
    Role role = Role::initiator;
    std::string options;  // JSON text of one object: the wire's options from the service's definition
};

class Transport {
public:
    virtual ~Transport() = default;
    // Called from several threads at once. `host` outlives the Session. invalid_configuration: wrong options.
    virtual Result<std::unique_ptr<Session>> session(const SessionParameters& parameters,
                                                     SessionHost& host) = 0;
};

}  // namespace mutual
