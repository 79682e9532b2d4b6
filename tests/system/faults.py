# SPDX-License-Identifier: Apache-2.0
"""The table of induced faults: what is done to the world, and what each user of mutuald is then told.

A row: its name; how the fault is induced (a method of test_faults.Faults, as a context manager; none: the request is the
fault); the service asked for, by whom and how; and the code, stage, cause and hint that are expected, the last two as
patterns. `opening` faults are told to whoever opens, `accepting` ones are written to the journal of the accepting host.
"""
import dataclasses

import host

APP = host.full_name("app1")
TARGET = f"ledger/{APP}@{host.REALM}"


@dataclasses.dataclass
class Fault:
    name: str
    code: str
    stage: str
    cause: str
    hint: str
    induce: str = ""
    service: str = "direct"
    user: str = "alice"
    request: dict = dataclasses.field(default_factory=dict)


OPENING = [
    # Policy
    Fault("no rule allows it", "Denied", "policy", "no rule allows uid 1002 service 'direct'", r"\[\[rule\]\]", user="bob"),
    Fault("a rule forbids it", "Denied", "policy", "rule 'not-this-one'.*", r"\[\[rule\]\]", service="forbidden"),
    Fault("an unknown service", "UnknownService", "request", "no definition of service 'dierct'", "direct", service="dierct"),
    # Discovery
    Fault("the directory is down", "DiscoveryFailed", "discovery", "ldap://dc.*Can't contact LDAP server",
          "directory server runs", "no_directory", "ledger"),
    Fault("a base that is not there", "DiscoveryFailed", "discovery", "dc=nowhere,dc=test.*No such object", "base",
          service="wrong-base"),
    Fault("a directory server of another name", "DiscoveryFailed", "discovery",
          f"authenticate to the directory.*(ldap/{APP}.*not found|not found in Kerberos database)",
          "ldap/", "directory_on_app1", "misnamed"),
    Fault("no candidate", "NotFound", "discovery", "no instance of service 'absent'", "mutualctl find absent", service="absent"),
    Fault("an untrusted candidate", "Untrusted", "trust", "1 instance.*none may be trusted", r"\[service.untrusted.trust\]",
          "an_scp", "untrusted"),
    Fault("a plugin crashes", "PluginFailed", "discovery", "plugin wild: its process .* while it searched", "mutuald-plugin",
          service="leave"),
    Fault("a plugin takes too long", "TimedOut", "discovery", "plugin slow did not answer within", "timeout|tried again|plugin",
          service="hang"),
    Fault("the search identity's keytab is gone", "InvalidConfiguration", "credentials",
          "tickets of identity 'search-gone' for plugin 'scp-gone'.*gone.keytab: No such file", "export", service="gone"),
    # Credentials
    Fault("no credential cache", "NoCredentials", "credentials", "/tmp/krb5cc_1001: No such file", "kinit", "no_cache"),
    Fault("an expired ticket", "NoCredentials", "credentials", f"the ticket of alice@{host.REALM} has expired", "kinit",
          "an_expired_ticket"),
    Fault("a realm that ours does not trust", "UnknownTarget", "credentials", "krbtgt/ELSEWHERE.TEST@MUTUAL.TEST not found",
          "do not trust each other", service="elsewhere"),
    Fault("the KDC is down", "KdcUnreachable", "credentials", f"{TARGET}.*(Cannot contact|no KDC for)", "KDC runs", "no_kdc",
          request={"timeoutMilliseconds": 4000}),
    Fault("an unknown principal", "UnknownTarget", "credentials", f"stranger/{APP}@{host.REALM}", "register the SPN",
          service="stranger"),
    Fault("a kind of cache that cannot be read", "InvalidRequest", "credentials", "MEMORY:mine.*its own process", "FILE",
          request={"credentialCache": "MEMORY:mine"}),
    Fault("a locked cache", "TimedOut", "credentials", "uid 1001: it did not answer within", "lock", "a_locked_cache",
          request={"timeoutMilliseconds": 1500}),
    Fault("a ticket that ends too soon", "NoCredentials", "credentials", "and 864000 s are asked for", "kinit",
          request={"minimumLifetimeSeconds": 864000}),
    Fault("an identity whose principal the KDC does not know", "NoCredentials", "credentials",
          f"get a ticket for ghost@{host.REALM}.*not found in Kerberos database", "create the principal", service="ghost"),
    # Addresses
    Fault("an unknown host", "Unreachable", "addresses", "nohost.mutual.test", "DNS or /etc/hosts", service="unknown-host"),
    # Connect
    Fault("nobody listens", "Unreachable", "connect", "10.77.0.11.*7099.*Connection refused", "is the service running there", service="refused"),
    Fault("a network without a route", "Unreachable", "connect", "10.77.0.11.*(unreachable|No route)", "route|reach",
          "no_route"),
    Fault("a host that answers nothing", "Unreachable|TimedOut", "connect", "10.77.0.11.*no answer in time", "may we reach it", "a_black_hole", request={"timeoutMilliseconds": 1500}),
    # Handshake
    Fault("a ticket for a key that the acceptor has not", "WrongPeer", "handshake", f"authenticate {TARGET}.*Key version", "keytab",
          "another_kvno"),
    Fault("a wrong key of the right number", "WrongPeer", "handshake", f"authenticate {TARGET}", "keytab", "a_wrong_key"),
    Fault("a peer whose clock is ten minutes ahead", "ClockSkew", "handshake",
          f"authenticate {TARGET}.*the peer's clock is (10 min \\d|9 min 5\\d) s ahead of this host's", "clocks", "fake:late", "fake"),
    Fault("another wire", "Protocol", "handshake", "HTTP|frame|announce", "wire|port|both", "fake:http", "fake"),
    Fault("a peer that leaves", "RefusedByPeer", "handshake", "without its last token", "log", "fake:leaves", "fake"),
    Fault("a handshake that is cut off", "Protocol", "handshake", "ended within a token", "peer's log", "fake:cut", "fake"),
    Fault("a peer that says nothing", "TimedOut", "handshake", "waiting for the peer", "log of the peer", "fake:silent", "fake", request={"timeoutMilliseconds": 2000}),
    Fault("a peer that answers without proof", "WrongPeer|Protocol", "handshake", f"authenticate {TARGET}", "its keytab is outdated", "fake:altered",
          "fake"),
    Fault("the peer does not admit us", "RefusedByPeer", "handshake", "without its last token", "log", user="carol"),
    Fault("the peer's server does not run", "RefusedByPeer", "handshake", "without its last token", "log", "no_server"),
]

ACCEPTING = [
    Fault("a client that is not allowed", "Denied", "admission",
          f"nothing under service.ledger.accept.allow lists carol@{host.REALM}", "add the principal", user="carol"),
    Fault("no server", "Unavailable", "delivery", "the server of 'ledger'.*(No such file|refused)", "start the server", "no_server"),
    Fault("a server of the wrong owner", "Unavailable", "delivery", "ledger.sock belongs to uid 1002", "let only root and the server's user own",
          "a_server_of_bob"),
    Fault("a full queue", "Limit", "admission", "1 peers wait already", "accept.limits.waiting", "a_full_queue", "queued"),
    Fault("a ticket for an old key", "WrongPeer", "handshake", f"asked for \"{TARGET}\".*ticket kvno 1 .*keytab .*ledger.keytab has 99",
          "export the current key", "another_kvno"),
    Fault("a wrong key", "WrongPeer", "handshake", f"asked for \"{TARGET}\".*ticket kvno 1 .*ledger.keytab has 1", "different key of that number",
          "a_wrong_key"),
    Fault("a keytab that is gone", "InvalidConfiguration", "credentials", "ledger.keytab: No such file", "export the service's keys",
          "no_keytab"),
    Fault("a name that is not the service's", "WrongPeer|NoCredentials", "handshake|credentials",
          f"host/{APP}@{host.REALM}", "holds no key of that principal.*export it there", service="wrong-spn"),
    Fault("no mutual authentication", "Unprotected", "handshake", "lacks mutual authentication", "initiator has to ask", "sends:no_mutual", ""),
    Fault("a token sent twice", "WrongPeer", "handshake", "[Rr]equest is a replay", "sent twice", "sends:twice", ""),
    Fault("a client whose clock is ten minutes ahead", "ClockSkew", "handshake",
          "the client's clock is (10 min \\d|9 min 5\\d) s ahead of this host's", "clocks", "sends:ahead", ""),
    Fault("a token that is none", "Protocol", "handshake", "not a framed GSS token", "same wire", "sends:rubbish", ""),
    Fault("a token that is cut off", "Protocol", "handshake", "ended within a token", "peer's log", "sends:cut", ""),
]
