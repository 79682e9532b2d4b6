// SPDX-License-Identifier: Apache-2.0
// What is asked of the broker and what it answers, as values. The fields mean what org.mutuald.Broker.varlink
// says.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "varlink/unique_fd.h"

namespace mutual::client {

struct Request {
    std::string service;  // empty: that of the RPC program
    std::optional<std::uint32_t> rpc_program = {};
    std::optional<std::uint32_t> rpc_version = {};
    std::vector<std::string> keywords = {};
    std::optional<std::string> instance = {};
    std::optional<std::string> host = {};
    std::optional<std::string> credential_cache = {};
    std::optional<std::chrono::seconds> minimum_lifetime = {};
    std::optional<std::chrono::milliseconds> timeout = {};
};

struct Line {
    std::string stage;
    std::string decision;
    std::string message;
    std::chrono::microseconds at{0};  // since the request began
};

struct Timing {
    std::string stage;
    std::chrono::microseconds taken{0};
};

struct Explanation {
    std::string request;
    std::string service;
    std::int64_t caller_uid = 0;
    std::vector<Line> lines;
    std::vector<Timing> timings;
};

struct Candidate {
    std::string host;
    std::int64_t port = 0;
    std::string transport;
    std::string spn;
    std::string principal;
    std::int64_t priority = 0;
    std::int64_t weight = 0;
    std::string plugin;
    std::string trust;
    std::string source;
    std::string version;
    bool usable = false;
    std::string reason;
};

// A channel that was opened or accepted. Times are seconds since the epoch.
struct OpenChannel {
    UniqueFd fd;
    std::string channel;
    std::string peer;
    std::string self;
    std::string spn;
    std::string address;  // of an accepted channel's peer
    std::int64_t port = 0;
    std::int64_t expires = 0;
};

struct ChannelFacts {
    std::string channel;
    std::string role;
    std::string service;
    std::string rule;
    std::int64_t caller_uid = 0;
    std::string caller_unit;  // empty: none, or it was not asked for
    std::string peer;
    std::string self;
    std::string spn;
    std::string transport;
    std::string address;
    std::int64_t port = 0;
    std::int64_t started = 0;
    std::int64_t expires = 0;
    std::int64_t ended = 0;  // 0: it lives
    std::optional<std::string> verdict;
    std::int64_t bytes_from_peer = 0;
    std::int64_t bytes_to_peer = 0;
    std::int64_t calls = 0;  // of an RPC
};

struct Found {
    std::vector<Candidate> candidates;
    std::optional<std::int64_t> rpc_program;  // where the service is one
    std::optional<std::int64_t> rpc_version;
};

struct Plan {
    bool allowed = false;
    Found found;
};

struct Part {
    std::string name;
    std::string state;
    std::int64_t pid = 0;
    std::string detail;
};

struct Status {
    std::string version;
    std::int64_t pid = 0;
    std::chrono::seconds uptime{0};
    std::vector<std::string> services;
    std::int64_t channels = 0;
    std::vector<Part> parts;
};

struct Service {
    std::string name;
    std::string description;
    bool may_open = false;
    bool may_accept = false;
    std::string transport;
    std::string offered;  // starting, listening, failed; empty: not by this host
};

struct Plugin {
    std::string name;
    std::string kind;
    std::string state;
    std::string version;
    std::string path;
    std::int64_t finders = 0;
    std::int64_t failures = 0;
    std::string problem;
};

struct Credential {
    struct Key {
        std::string principal;
        std::int64_t kvno = 0;
        std::string enctype;
    };
    std::string identity;
    std::string principal;
    std::string keytab;  // empty: a credential cache
    std::vector<Key> keys;
    std::int64_t expires = 0;  // seconds since the epoch; 0: there is no ticket
    std::int64_t renews = 0;
    std::string failure;
    std::string hint;
    std::int64_t failed_at = 0;
};

// What became of a request; its explanation comes with the answer.
struct PastRequest {
    std::string method;
    std::string result;
    std::string message;
    std::string hint;
};

struct RequestSummary {
    std::string request;
    std::string method;
    std::string service;
    std::int64_t caller_uid = 0;
    std::string result;
    std::int64_t ended = 0;  // seconds since the epoch
};

struct Change {
    std::string key;
    std::string waits_for;  // a program to restart; empty: in force
};

struct Reloaded {
    std::vector<Change> changes;
    std::vector<std::string> notes;
};

struct LogLevel {
    std::string level;
    std::vector<std::string> notes;  // programs that could not be told
};

// One reply of Monitor. `lost`: so many were left out before it.
struct Event {
    std::chrono::milliseconds at{0};  // since the epoch
    std::string message;
    std::string decision;
    std::string request;
    std::string channel;
    std::int64_t lost = 0;
};

}  // namespace mutual::client
