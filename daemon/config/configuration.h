// SPDX-License-Identifier: Apache-2.0
// What the administrator wrote, as typed values that have been checked, also against each other: every name
// that one section gives of another exists. The keys and what they mean: docs/mutuald.toml.md. Defaults are
// the initializers here. Made by load() (daemon/config/load.h); immutable and shared from then on.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/config/host_pattern.h"
#include "daemon/config/principal_pattern.h"
#include "daemon/config/unit_pattern.h"

namespace mutual::config {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Where something was written; for errors and explanations.
struct Location {
    std::string file;
    std::uint32_t line = 0;  // 0: not written anywhere (a default)
    std::uint32_t column = 0;
};
// "/etc/mutuald/mutuald.toml:12:3"; "built in" for a default.
std::string to_string(const Location& location);

// How much of something callers may have at a time: in all, of one uid (root and the administrators too), of
// one systemd unit. 0 of a unit: not bounded, and nobody's unit is looked up for it.
struct Bounds {
    std::size_t all = 0;
    std::size_t uid = 0;
    std::size_t unit = 0;
};

// [daemon.limits]: bounds on what callers may use. Keys: requests, requests_per_uid, requests_per_unit.
struct ApiLimits {
    std::size_t message = 64 * 1024;   // octets of one API message
    std::size_t depth = 16;            // nesting of its JSON
    Bounds connections{1024, 128, 0};  // to the API socket
    Bounds requests{256, 64, 0};       // Open, Plan, Find that are pending; and as many calls of Accept
    Bounds handshakes{256, 64, 0};     // that Open began: from asking for the ticket to the verdict
    Bounds channels{65536, 16384, 0};  // live ones that were opened from here, by each transport
};

// How the systemd unit of a caller is found: by SO_PEERPIDFD where the kernel has it, or as on one that has
// not.
enum class UnitLookup : std::uint8_t { pidfd, proc };

// [daemon]
struct Daemon {
    milliseconds request_timeout{
        10'000};                 // of a whole request, unless it or the service's definition says otherwise
    std::string plugin_folder;   // default: where the plugins were installed (set by load)
    seconds longest_cache{300};  // found candidates are kept no longer, whatever their TTL
    seconds negative_cache{5};   // "found nothing" is kept so long; 0: not at all
    std::string admin_group = "mutuald-admin";
    std::optional<gid_t> admin_gid;  // of that group; absent: there is no such group here
    UnitLookup unit_lookup = UnitLookup::pidfd;
    ApiLimits limits;
};

// Which credentials are used. `caller` and `host` are built in; [identity.NAME] defines others.
enum class IdentityKind : std::uint8_t { caller, host, keytab };
struct Identity {
    std::string name;
    IdentityKind kind = IdentityKind::keytab;
    std::string keytab;     // kind keytab only: absolute path, read by mutuald-keys
    std::string principal;  // kind keytab only: full
    Location where;
};

enum class PluginKind : std::uint8_t { discovery, transport };

// What the contexts of a transport's channels must be good for: an ordered stream of octets, one context for
// each channel; or the calls of an RPC, which have an order of their own and may outlive a ticket, in as many
// contexts as a channel needs.
enum class Protection : std::uint8_t { stream, rpc };

// [plugin.NAME]: one shared object. `scp`, `static` (discovery), `sockets` and `oncrpc` (transport) are there
// without a section.
struct Plugin {
    std::string name;
    PluginKind kind = PluginKind::discovery;
    std::string path;  // absolute; default: NAME.so in the plugin folder
    bool enabled = true;
    std::string identity;         // discovery: whose tickets it gets, never "caller"; empty: none
    milliseconds timeout{5'000};  // discovery: of one find
    std::uint32_t finders = 2;    // discovery: finds that may run at the same time
    Protection protection = Protection::stream;  // transport
    std::string options = "{}";  // [plugin.NAME.options] as JSON text of one object, for the plugin
    Location where;
};

// How an SPN is composed for a candidate.
enum class SpnForm : std::uint8_t {
    host,        // class/host
    host_port,   // class/host:port
    three_part,  // class/host/service-name
};

// [service.NAME.trust]: the reasons for which a candidate may supply the host and third part of an SPN. One
// that holds is enough; without any, every candidate is refused.
struct Trust {
    std::vector<HostPattern> hosts;  // these hosts only run what the administrator put there
    bool three_part = false;         // only administrators can register three-part SPNs of this class
    std::string base;                // only administrators write below this directory subtree (a DN)
    bool any() const { return !hosts.empty() || three_part || !base.empty(); }
};

enum class Delivery : std::uint8_t { accept, unix_socket };
enum class Header : std::uint8_t { none, proxy_v2, knc };

struct User {
    std::string name;
    uid_t uid = static_cast<uid_t>(-1);
};
struct Group {
    std::string name;
    gid_t gid = static_cast<gid_t>(-1);
};

// [service.NAME.rpc]: that the service is a program of ONC RPC, reached over a transport with protection rpc.
enum class RpcProtection : std::uint8_t { none, integrity, privacy };
struct Rpc {
    std::uint32_t program = 0;                          // required; or its name in /etc/rpc
    std::vector<std::uint32_t> versions;                // required; ascending
    RpcProtection protection = RpcProtection::privacy;  // of each call: what we send, and the least we take
    std::uint32_t max_record = 1024 * 1024;             // octets of one message
};

// What a peer may act as on this host.
struct LocalUser {
    uid_t uid = static_cast<uid_t>(-1);
    gid_t gid = static_cast<gid_t>(-1);
    std::vector<gid_t> gids;  // at most 16
    bool operator==(const LocalUser&) const = default;
};

// [service.NAME.accept.rpc]: what the local server of an RPC service is told on each call.
enum class RpcCredential : std::uint8_t { sys, none };
struct AcceptRpc {
    bool is_registered = true;                            // in this host's rpcbind
    RpcCredential credential = RpcCredential::sys;        // sys: AUTH_SYS of ours
    std::map<std::string, LocalUser, std::less<>> users;  // by principal; others: 65534
};

// [service.NAME.accept.allow]: who may connect. Any entry is enough; none: nobody may.
struct Allow {
    std::vector<PrincipalPattern> principals;  // exact, full
    std::vector<std::string> realms;           // every principal of the realm
    std::vector<PrincipalPattern> patterns;    // "host/*@REALM"
};
// The entry that lets the principal in (text as libkrb5 prints it), such as "realm MUTUAL.TEST"; nullopt:
// none.
std::optional<std::string> allows(const Allow& allow, std::string_view principal);

// [service.NAME.accept.limits]
struct AcceptLimits {
    std::uint32_t connections = 1024;  // live channels and handshakes together
    std::uint32_t handshakes = 64;     // in progress
    std::uint32_t waiting = 16;        // admitted handshakes that wait for a call of Accept
    milliseconds handshake_timeout{10'000};
    milliseconds idle_timeout{0};  // 0: never
    bool operator==(const AcceptLimits&) const = default;
};

// [service.NAME.accept]: what this host offers.
struct Accept {
    std::vector<std::string> spns;        // as written
    std::vector<std::string> principals;  // of these, in the same order, with the service's realm
    std::string keytab;                   // absolute path, read by mutuald-keys
    std::string address = "::";           // numeric; "::" is IPv4 too
    std::uint16_t port = 0;               // required; 0: the system chooses
    Allow allow;
    Delivery deliver = Delivery::accept;
    std::string socket;                // unix_socket: the server's, absolute path
    Header header = Header::proxy_v2;  // unix_socket: what precedes the channel's bytes
    User socket_user{"root", 0};       // unix_socket: whose listener it must be
    std::vector<User> accept_users;    // accept: who may call Accept; none: nobody
    std::vector<Group> accept_groups;
    std::vector<UnitPattern> accept_units;  // none: whatever unit the caller runs in
    AcceptLimits limits;
    AcceptRpc rpc;  // of an RPC service
    Location where;
};

// [service.NAME]: what callers may ask for, and what this host may offer.
struct Service {
    std::string name;
    std::string description;             // for people
    std::string service_class;           // SPN class; default: the service's name
    std::string realm;                   // of its principals; required
    std::vector<std::string> discovery;  // plugins to ask, in order; none: it cannot be opened from here
    std::vector<std::string> keywords;   // the query; a request may narrow it further
    std::string instance;
    std::string base;  // default: trust.base
    std::string host;
    std::string transport = "sockets";  // of an RPC service: "oncrpc"
    // [service.NAME.options] as JSON text of one object: the wire's, both ends. Of an RPC service: made of
    // [service.NAME.rpc] and accept.rpc.
    std::string options = "{}";
    std::optional<Rpc> rpc;
    SpnForm spn = SpnForm::host;
    Trust trust;
    std::string identity = "caller";      // for opening
    seconds minimum_lifetime{0};          // of the ticket, when a channel is opened
    std::optional<milliseconds> timeout;  // of opening; absent: daemon.request_timeout
    milliseconds idle_timeout{0};         // of channels opened from here; 0: never
    std::optional<Accept> accept;
    Location where;
};

enum class Action : std::uint8_t { deny, allow };

// [[rule]]: who may open what. The first rule that matches decides; without one, the caller is refused. A
// rule matches when the user or one of the groups does, the service does, and, where units are listed, one of
// them does.
struct Rule {
    std::string name;
    Action action = Action::deny;
    bool any_user = false;  // users = ["*"]
    std::vector<User> users;
    std::vector<Group> groups;
    std::vector<UnitPattern> units;  // none: whatever unit the caller runs in
    bool any_service = false;        // services = ["*"]
    std::vector<std::string> services;
    Location where;
};

struct Configuration {
    Daemon daemon;
    std::map<std::string, Identity, std::less<>> identities;  // with "caller" and "host"
    std::map<std::string, Plugin, std::less<>> plugins;       // with the built-in ones, and disabled ones
    std::map<std::string, Service, std::less<>> services;
    std::vector<Rule> rules;         // in the order of the files, and within each as written
    std::vector<std::string> files;  // that were read, in order
    std::string fingerprint;         // of them: the same text under the same names has the same

    // Null if there is none of that name.
    const Identity* identity(std::string_view name) const;
    const Plugin* plugin(std::string_view name) const;
    const Service* service(std::string_view name) const;
    // Of a transport that a service names, which exists.
    Protection protection(std::string_view transport) const;
};

}  // namespace mutual::config
