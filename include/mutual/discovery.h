// SPDX-License-Identifier: Apache-2.0
// The contract of a discovery plugin: find where instances of a service are, and say where ours are.
//
// A plugin is loaded into processes that may be killed at any moment: `finders`, which serve one find() at a
// time and are killed at its deadline, and one `publisher`, which lives long and serves everything else. So
// it may block, and must keep nothing that a kill would spoil. Everything that it reports is a claim that the
// host judges: a candidate chooses where to connect, never whom to trust.
//
// Answers: success without a candidate means "not mine, or none there"; discovery_failed means "could not
// look"; invalid_request means that the query asks for something that this plugin can never answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mutual/error.h"

namespace mutual {

// What is looked for. An empty field does not narrow.
struct Query {
    std::string service_class;          // SPN class, "ledger"
    std::vector<std::string> keywords;  // all must match; GUIDs in 8-4-4-4-12 form without braces, or words
    std::string instance;  // GUID of the published object (SCP objectGUID / entryUUID), or its instance name
    std::string host;      // only instances on this host
    std::uint32_t rpc_program = 0;  // 0: not an ONC RPC service
    std::uint32_t rpc_version = 0;
    std::string base;           // directory subtree to search, a DN; from the service's definition
    std::uint32_t limit = 100;  // more candidates than this are not asked for; 1..1000
};

// How far the way by which a candidate came can be trusted to carry what its publisher wrote.
enum class SourceTrust : std::uint8_t {
    unauthenticated,  // anyone on the link could have answered (mDNS, plain DNS, rpcbind)
    authenticated,    // an integrity-protected session with an authenticated server
    administrator,    // the local configuration
};

// One place where an instance of the service may be. Text is UTF-8; a plugin checks ranges, the host checks
// again.
struct Candidate {
    std::string host;            // DNS name or address literal to connect to
    std::uint16_t port = 0;      // 1..65535; 0, for ONC RPC only: as its host's rpcbind says
    std::string transport;       // that it was published with; empty: nobody said
    std::string service_class;   // SPN class as published; compared with the definition, never adopted
    std::string spn_host;        // host part for the SPN; empty: `host`
    std::uint16_t spn_port = 0;  // port part for the SPN; 0: none
    std::string service_name;    // third SPN part (DN, GUID, DNS name); empty: two-part SPN
    std::uint32_t priority = 0;  // lower first (RFC 2782)
    std::uint32_t weight = 0;    // share among equal priorities (RFC 2782)
    SourceTrust trust = SourceTrust::unauthenticated;
    std::string source;            // where exactly it was found, for people: a DN, an instance name
    std::string version;           // version keyword or TXT value, for people
    std::chrono::seconds ttl{60};  // how long the answer may be kept; 0: not at all
};

// Where results go while find() or watch() still runs. Returns false when the caller wants no more: stop.
class CandidateSink {
public:
    virtual bool found(Candidate candidate) = 0;
    // Something a person should know about this search, such as an entry that was skipped and why.
    virtual void note(std::string text) = 0;

protected:
    ~CandidateSink() = default;
};

// Tickets for one call: the name of a credential cache as libkrb5 understands it ("FILE:/proc/self/fd/7"),
// holding tickets of the search identity, or the service's own for publishing. Empty: none were given. Never
// a key.
struct TicketCache {
    std::string name;
    std::string principal;
};

// One instance of ours, as it should be known to others.
struct Publication {
    std::string service;   // name of its definition
    std::string instance;  // instance name; free text up to 63 octets
    std::string service_class;
    std::string host;
    std::uint16_t port = 0;
    std::string transport = "sockets";
    std::string service_name;
    std::vector<std::string> keywords;
    std::string identity;  // what publish() returned earlier (an object GUID); empty the first time
};

struct WatchEvent {
    enum class Kind : std::uint8_t { appeared, vanished, complete } kind;
    std::optional<Candidate> candidate;  // absent with complete: everything known so far has been reported
};
using WatchSink = std::function<bool(WatchEvent)>;  // false: stop watching

using Deadline = std::chrono::steady_clock::time_point;

class Discovery {
public:
    virtual ~Discovery() = default;

    // Reports each candidate as soon as it is known. Should give up at the deadline; is killed shortly after
    // it.
    virtual Result<void> find(const Query& query, const TicketCache& tickets, Deadline deadline,
                              CandidateSink& sink) = 0;

    // Makes an instance known; returns what identifies the published object from now on, in spite of a
    // rename. A plugin that only finds answers invalid_request.
    virtual Result<std::string> publish(const Publication& publication, const TicketCache& tickets,
                                        Deadline deadline) = 0;
    // Compares what is published with what should be and writes only differences. True: something was
    // written.
    virtual Result<bool> refresh(const Publication& publication, const TicketCache& tickets,
                                 Deadline deadline) = 0;
    // Removing what is not there succeeds.
    virtual Result<void> withdraw(const Publication& publication, const TicketCache& tickets,
                                  Deadline deadline) = 0;

    // Reports what is there, then `complete`, then changes, until the sink says stop. invalid_request: this
    // plugin cannot watch; the host polls with find().
    virtual Result<void> watch(const Query& query, const TicketCache& tickets, WatchSink sink) = 0;
};

}  // namespace mutual
