#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz targets into corpus/: small inputs that say what each target reads.

Inputs that a run found and that are worth keeping are added here, or beside these by hand; this script removes nothing.
"""
import json
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))


def seed(target, name, octets):
    folder = f"{HERE}/corpus/{target}"
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/{name}", "wb") as file:
        file.write(octets.encode() if isinstance(octets, str) else octets)


def varlink():
    def stream(name, *messages, limit=255, piece=6, end=b"\0"):
        texts = [text if isinstance(text, bytes) else json.dumps(text).encode() for text in messages]
        seed("varlink", name, bytes([limit, piece]) + b"\0".join(texts) + end)

    call = {"method": "org.mutuald.Broker.Open", "parameters": {"request": {"service": "ledger"}}}
    stream("call", call)
    stream("pipelined", call, {**call, "more": True}, {**call, "upgrade": True})
    stream("oneway", {"method": "a.B", "oneway": True, "more": False})
    stream("contradiction", {"method": "a.B", "oneway": True, "more": True})
    stream("reply", {"parameters": {"n": [1, -2, 3.5, None, True, "\u00e4\U0001f600"]}, "continues": True})
    stream("error", {"error": "org.mutuald.Broker.Denied",
                     "parameters": {"stage": "policy", "message": "no rule", "hint": "add one"}})
    stream("standard_error", {"error": "org.varlink.service.MethodNotFound", "parameters": {"method": "x"}})
    stream("too_long", call, b"x" * 60, limit=10)
    stream("unfinished", call, b'{"method":', end=b"")
    stream("deep", b'{"method":"a.B","parameters":{"x":' + b"[" * 12 + b"]" * 12 + b"}}")
    stream("numbers", b'{"method":"a.B","parameters":{"a":1e400,"b":18446744073709551615,"c":-0.0,"d":1e-400}}')
    stream("twice", b'{"method":"a.B","method":"c.D","parameters":{"a":1,"a":2}}')
    stream("base64", b"aGVsbG8=", b"aGVsbG9=", b"aGVs", b"aG==", b"=")
    stream("empty", b"", b"", b"{}")


def gss_frame():
    def frames(*bodies):
        return b"".join(struct.pack(">I", len(body)) + body for body in bodies)

    for tokens in range(3):
        seed("gss_frame", f"tokens_{tokens}", bytes([tokens, 3]) + frames(b"hello 0 42 ", b"record", b"x" * 40))
    seed("gss_frame", "zero", b"\1\1" + frames(b"token") + b"\0\0\0\0more")
    seed("gss_frame", "largest_record", b"\0\1" + struct.pack(">I", 66048) + b"begun")
    seed("gss_frame", "record_too_large", b"\0\1" + struct.pack(">I", 66049) + b"begun")
    seed("gss_frame", "token_too_large", b"\1\1" + struct.pack(">I", 131073))
    seed("gss_frame", "tls", b"\1\2\x16\x03\x01\x02\x00\x01")
    seed("gss_frame", "http", b"\1\2GET / HTTP/1.1\r\n\r\n")
    seed("gss_frame", "cut_in_a_length", b"\1\1" + frames(b"token") + b"\0\0")
    seed("gss_frame", "cut_in_a_body", b"\1\1" + frames(b"token") + b"\0\0\0\x09half")


def session():
    def text(octets):
        return bytes([len(octets)]) + octets

    record, end, again, lost, altered, open_record, raw, framed = 7, 6, 2, 3, 4, 5, 0, 1
    good = bytes([record]) + text(b"good day") + bytes([record]) + text(b"x")
    for role in (0, 1):
        def records(name, script, stops=0, piece=5):
            seed("session", f"records_{name}_{role}", bytes([role, stops, piece]) + script)
        records("and_end", good + bytes([end]))
        records("both_ends", good + bytes([end]), stops=1)
        records("cut", good)
        records("repeated", good + bytes([again]))
        records("missing", good + bytes([lost]) + text(b"gone") + good)
        records("altered", good + bytes([altered]) + text(b"secret") + b"\0\x15\x40")
        records("not_confidential", good + bytes([open_record]) + text(b"plain"))
        records("after_the_end", bytes([end]) + good)
        records("foreign", good + bytes([framed]) + text(b"no record at all, but long enough for one"))
        records("half", good + bytes([raw]) + text(b"\0\0\0\x30half"))
    hello, welcome = b"\0\0\0\x0bhello 0 42 ", b"\0\0\0\x0dwelcome 0 42 "

    def network(octets):
        """A step that brings these octets: its number is their length, and 3 modulo 4."""
        size = len(octets) + (3 - len(octets)) % 4
        return bytes([size]) + octets.ljust(size, b"\0")

    for name, knobs in (("good", 0), ("refused", 1), ("not_mutual", 2), ("no_sequence", 4), ("step_fails", 8),
                        ("error_token", 24)):
        exact = bytes([15]) + hello
        seed("session", f"acceptor_{name}", bytes([4, knobs]) + exact + bytes([0, 0, 0]))
        seed("session", f"initiator_{name}", bytes([5, knobs, 0]) + network(welcome) + bytes([0, 0]))
    seed("session", "acceptor_foreign", bytes([4, 0]) + network(b"GET / HTTP/1.1\r\n\r\n") + b"\0\0")
    seed("session", "initiator_cut", bytes([5, 0, 0, 255, 0]))

    def way(direction, how, arguments=b""):
        return bytes([direction + 2 * how]) + arguments

    talk = way(0, 0, text(b"question")) + way(0, 4, b"\3") + way(1, 0, text(b"answer")) + way(1, 4, b"\7")
    ends = way(0, 2) + way(1, 2) + way(0, 4, b"\1") + way(1, 4, b"\1")
    seed("session", "network_honest", bytes([6]) + talk + ends)
    seed("session", "network_alters", bytes([6]) + talk + way(0, 0, text(b"more")) + way(0, 6, b"\0\x15\1\x05") + ends)
    seed("session", "network_drops", bytes([6]) + way(0, 0, text(b"one")) + way(0, 0, text(b"two"))
         + way(0, 7, b"\0\0\x23\0\x09") + ends)
    seed("session", "network_repeats", bytes([6]) + way(0, 0, text(b"one")) + way(0, 7, b"\0\0\x23\1\x09") + ends)
    seed("session", "network_cuts", bytes([6]) + talk + way(0, 0, text(b"unsent")))


def der(tag, *content):
    body = b"".join(content)
    length = bytes([len(body)]) if len(body) < 128 else bytes([0x82]) + struct.pack(">H", len(body))
    return bytes([tag]) + length + body


def first_token():
    krb5, spnego = bytes.fromhex("2a864886f712010202"), bytes.fromhex("2b0601050502")

    def integer(number):
        return der(2, bytes([number]))

    def name(*parts):
        return der(0x30, der(0xa0, integer(2)), der(0xa1, der(0x30, *(der(0x1b, part) for part in parts))))

    def encrypted(octets, kvno=3):
        return der(0x30, der(0xa0, integer(18)), der(0xa1, integer(kvno)), der(0xa2, der(4, octets)))

    def token(realm=b"MUTUAL.TEST", server=(b"ledger", b"app1"), mechanism=krb5, kind=b"\1\0"):
        ticket = der(0x61, der(0x30, der(0xa0, integer(5)), der(0xa1, der(0x1b, realm)), der(0xa2, name(*server)),
                               der(0xa3, encrypted(b"t" * 40))))
        request = der(0x6e, der(0x30, der(0xa0, integer(5)), der(0xa1, integer(14)),
                                der(0xa2, der(3, b"\0\x20\0\0\0")), der(0xa3, ticket),
                                der(0xa4, encrypted(b"a" * 20))))
        return der(0x60, der(6, mechanism), kind, request)

    seed("first_token", "two_parts", token())
    seed("first_token", "three_parts", token(server=(b"ledger", b"app1", b"CN=a\\, b,DC=x")))
    seed("first_token", "odd_name", token(server=(b"a/b@c\\", b"", b"\0\n"), realm=b"R@S"))
    seed("first_token", "not_utf8", token(server=(b"\xff\xc3",)))
    seed("first_token", "no_component", token(server=()))
    seed("first_token", "spnego", token(mechanism=spnego))
    seed("first_token", "error_token", token(kind=b"\3\0"))
    seed("first_token", "cut", token()[:60])
    seed("first_token", "longer", token() + b"\0")
    seed("first_token", "huge_length", b"\x60\x84\xff\xff\xff\xff\x06\x09")
    seed("first_token", "indefinite_length", b"\x60\x80" + token()[2:])


def ticket():
    def data(octets):
        return struct.pack(">I", len(octets)) + octets

    def principal(*parts, realm=b"A.TEST"):
        return struct.pack(">II", 1, len(parts)) + data(realm) + b"".join(data(part) for part in parts)

    def credential(client=principal(b"alice"), server=principal(b"ledger", b"app1"), more=b"", addresses=(), end=2**31):
        listed = struct.pack(">I", len(addresses)) + b"".join(struct.pack(">H", 2) + data(each) for each in addresses)
        return (client + server + struct.pack(">H", 18) + data(b"k" * 32) + struct.pack(">4I", 1, 1, end, 0)
                + b"\0" + struct.pack(">I", 0x40a50000) + listed + struct.pack(">I", 0) + data(b"t" * 60) + data(b"")
                + more)

    seed("ticket", "plain", credential())
    seed("ticket", "expired", credential(end=5))
    seed("ticket", "three_parts", credential(server=principal(b"ledger", b"app1", b"cn=a\\, b@c/d")))
    seed("ticket", "addresses", credential(addresses=(b"\x7f\0\0\1",)))
    seed("ticket", "no_component", credential(client=principal()))
    seed("ticket", "many_components", credential(client=principal(*[b"x"] * 65)))
    seed("ticket", "not_utf8", credential(client=principal(b"m\xff")))
    seed("ticket", "two_credentials", credential(more=credential()))
    seed("ticket", "one_octet_more", credential(more=b"\0"))
    seed("ticket", "cut", credential()[:70])


def dns():
    question = b"\2_l\4_tcp\1t\0\0\x21\0\1"

    def answer(*records, count=None, flags=0x8180):
        head = struct.pack(">6H", 1, flags, 1, len(records) if count is None else count, 0, 0)
        return head + question + b"".join(records)

    def srv(target, port=389, priority=0, weight=5, kind=33, length=None):
        body = struct.pack(">3H", priority, weight, port) + target
        return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(body) if length is None else length) + body

    seed("dns", "two", answer(srv(b"\1a\0"), srv(b"\1b\0", 390, 1, 0)))
    seed("dns", "compressed", answer(srv(b"\3app\xc0\x14")))
    seed("dns", "loop", answer(srv(b"\xc0\x2b")))
    seed("dns", "cname", answer(srv(b"\1a\0", kind=5), srv(b"\1b\0")))
    seed("dns", "not_available", answer(srv(b"\0", port=0, weight=0)))
    seed("dns", "weights", answer(*(srv(b"\1%c\0" % (97 + i), 1, i // 3, 65535 * (i % 2)) for i in range(9))))
    seed("dns", "short_data", answer(srv(b"", length=6)))
    seed("dns", "count_lies", answer(srv(b"\1a\0"), count=300))
    seed("dns", "odd_name", answer(srv(b"\4a.b\0\2/@\0")))
    seed("dns", "empty", answer())


def scp():
    point = ("cn=ledger,ou=a\\, b,dc=mutual,dc=test\nserviceClassName=ledger\nserviceDNSName=app1.mutual.test\n"
             "serviceDNSNameType=A\n")
    keywords = "keywords=books\nkeywords=version=3\nversionNumber=7\n"
    query = "\n7010\n6f9619ff-8b86-d011-b42d-00c04fc964ff\n"
    seed("scp", "port", point + "serviceBindingInformation=7010\n" + keywords + query)
    seed("scp", "fields", point + "serviceBindingInformation=port=7010;priority=10;weight=5\n\nport=1;weight=2\n")
    seed("scp", "one_bad_binding", point + "serviceBindingInformation=x\nserviceBindingInformation=80\n")
    seed("scp", "bad_bindings", point + "serviceBindingInformation=port=0\nserviceBindingInformation=65536\n")
    seed("scp", "srv", point.replace("=A\n", "=srv\n") + "\n*)(objectClass=*\nx\n")
    seed("scp", "two_hosts", point + "serviceDNSName=app2\nserviceBindingInformation=1\n")
    seed("scp", "url_as_host", point.replace("app1.mutual.test", "a/b@c") + "serviceBindingInformation=1\n")
    seed("scp", "long_name", "cn=" + "\u00e4" * 600 + "\nserviceClassName=l\n")
    seed("scp", "wide_name", "cn=" + "\u20ac" * 339 + ",dc=x\nserviceClassName=l\n")
    seed("scp", "control_characters", "cn=a\x01\x7f\t\nserviceClassName=l\xff\n\n\\28*\x00)\n\n".encode("latin-1"))
    seed("scp", "nothing", "cn=x\n\n00007\n\n")


def spn():
    def lines(name, spn_text, principal, *composed, flags=0, port=7001):
        seed("spn", name, f"{spn_text}\n{principal}\n".encode() + struct.pack(">BH", flags, port)
             + "\n".join(composed).encode())

    lines("two_parts", "ledger/app1.corp", "alice@CORP.EXAMPLE", "ledger", "app1.corp", "", "")
    lines("port", "ldap/dc1:389", "ldap/dc1:389@R", "ldap", "192.0.2.7", "", "dc1.corp")
    lines("three_parts", "ledger/app1/CN=Web Mail\\, Inc,DC=c", "ledger/app1/CN=a\\\\, b\\@c\\/d@R",
          "ledger", "CN=x,DC=y", "app1", "", flags=0x85)
    lines("instance", "sql/db1:SALES", "a\\n\\t\\b\\0@R", "sql", "corp.example", "db1", "db2", flags=0x83)
    lines("leading_zero", "ledger/app1:007", "a/b/c/d@R@S", "a/b", "", "", "", flags=0x40)
    lines("address", "c/192.0.2.7/dc1", "\\@@R", "c", "2001:db8::1", "", "r", flags=4)
    lines("no_realm", "c/h:", "alice", "c", "h", "h", "x", flags=0x40, port=0)
    lines("odd", "c//s", "a\\x@R", "\x01", "\u00e4", "@", ":", flags=2)
    lines("host_kind", "c/h/s:9", "@R", "ledger", "", "app1.corp", "app1", flags=0x40)


def headers():
    def identity(name, address, peer, own, channel="c1", ports=(40000, 7010), times=0):
        seed("headers", name, f"{address}\n{peer}\n{own}\n{channel}\n".encode()
             + struct.pack(">HHB", *ports, times))

    identity("ipv4", "192.0.2.1", "alice@A.TEST", "ledger/app1@A.TEST")
    identity("ipv6", "2001:db8::1", "alice@A.TEST", "ledger/app1/cn=x\\, y@A.TEST")
    identity("mapped", "::ffff:192.0.2.1", "a\\n@R", "b@R")
    identity("nul_in_address", "::ffff:192.0.2.1\0:", "alice@A.TEST", "b@R")
    identity("zone", "fe80::1%eth0", "\u00e4@R", "b@R")
    identity("mapped_hexadecimal", "::ffff:c000:201", "a@R", "b@R", ports=(0, 65535))
    identity("long", "::1", "a" * 200 + "@R", "b" * 200 + "@R", times=40)
    identity("longest", "::1", "a" * 40 + "@R", "b@R", times=255)
    identity("no_address", "app1", "a@R", "b@R")
    identity("line_in_a_name", "::1", "a\rCREDS:root@R", "\x7f")
    identity("empty", "", "", "", "")


def messages():
    def message(target, method, parameters, name=None):
        name = (name or method).replace(" ", "_").lower()
        seed(target, name, method + "\n" + json.dumps(parameters))

    endpoint = {"address": "192.0.2.1", "port": 7010}
    query = {"serviceClass": "ledger", "keywords": ["books"], "instance": "", "host": "", "rpcProgram": 0,
             "rpcVersion": 0, "base": "dc=x", "limit": 100}
    candidate = {"host": "app1.example.org", "port": 7010, "transport": "sockets", "serviceClass": "ledger",
                 "spnHost": "app1.example.org", "spnPort": 0, "serviceName": "cn=\u00e4,dc=x", "priority": 1,
                 "weight": 5, "trust": "authenticated", "source": "cn=x", "version": "3", "ttlSeconds": 60}
    problem = {"code": "Denied", "stage": "discovery", "message": "m", "hint": "h"}
    flags = dict.fromkeys(("mutual", "confidentiality", "integrity", "replay", "sequence", "delegation"), True)
    failure = {"stage": "handshake", "message": "not for us", "hint": "register it"}

    initiate = {"version": 1, "identity": {"kind": "caller", "credentialCache": "FILE:/tmp/x"},
                "callerFileDescriptor": 0, "target": "ledger/app1@R", "protection": "stream", "handshakes": "one",
                "minimumLifetimeSeconds": 0, "timeoutMilliseconds": 1000}
    message("keys_messages", "GrantInitiate", initiate)
    message("keys_messages", "GrantInitiate", {**initiate, "identity": {"kind": "keytab", "keytab": "/k",
            "principal": "a@R"}, "callerFileDescriptor": None, "protection": "rpc", "handshakes": "channel"}, "keytab")
    message("keys_messages", "GrantInitiate", {**initiate, "identity": {"kind": "host", "more": 1}}, "unknown_inside")
    message("keys_messages", "GrantInitiate", {**initiate, "version": 2}, "other_version")
    message("keys_messages", "GrantInitiate", {**initiate, "callerFileDescriptor": 2}, "no_such_descriptor")
    message("keys_messages", "GrantAccept", {"version": 1, "service": "ledger", "keytab": "/k", "principals": ["a@R"],
                                             "protection": "stream", "count": 2})
    message("keys_messages", "RevokeAccept", {"service": "ledger", "generation": 3})
    message("keys_messages", "Facts", {"context": "0123456789abcdef0123456789abcdef"})
    message("keys_messages", "TicketCache", {"version": 1, "identity": {"kind": "host"}, "timeoutMilliseconds": 5})
    message("keys_messages", "Status", {"version": 1})
    message("keys_messages", "Step", {"handshake": 1, "tok\n": "aGk="}, "unknown_name_of_two_lines")
    message("keys_messages", "Step", {"handshake": 1, "token": "aGVsbG8="})
    message("keys_messages", "Step", {"handshake": -1, "token": "aGVsbG9="}, "bad_token")
    message("keys_messages", "Drop", {"handshake": 1})
    message("keys_messages", "Look", {"target": "ledger/app1@R", "minimumLifetimeSeconds": 60})
    message("keys_messages", "answer", {"principal": "alice@R", "ticketFileDescriptor": 1})
    message("keys_messages", "answer", {"principal": "alice@R"}, "not_in_the_cache")
    message("keys_messages", "ERROR answer", {**failure, "message": "\u00e4\n\x01"})

    connect = {"version": 1, "channel": "c", "service": "ledger", "rule": "r", "callerUid": 1000, "spn": "ledger/app1",
               "endpoints": [endpoint, {"address": "2001:db8::1", "port": 1}], "options": {"wire": "gss"},
               "timeoutMilliseconds": 1000, "idleMilliseconds": 0, "grantFileDescriptor": 0,
               "programFileDescriptor": 1, "cookie": 7}
    message("channel_messages", "Connect", connect)
    message("channel_messages", "Connect", {**connect, "programFileDescriptor": 0}, "one_descriptor_twice")
    message("channel_messages", "Connect", {**connect, "endpoints": []}, "no_endpoint")
    message("channel_messages", "Connect", {**connect, "idleMilliseconds": 2**63 - 1}, "for_ever")
    message("channel_messages", "Listen", {"version": 1, "service": "ledger", "endpoint": endpoint, "options": {},
            "limits": {"connections": 10, "handshakes": 2, "handshakeMilliseconds": 10, "idleMilliseconds": 0},
            "grantFileDescriptors": [1]})
    message("channel_messages", "Connect", {**connect, "programFileDescriptor": None}, "to_be_attached")
    message("channel_messages", "Attach", {"channel": "c", "programFileDescriptor": 1})
    message("channel_messages", "Unlisten", {"service": "ledger"})
    message("channel_messages", "List", {})
    message("channel_messages", "WhoIs", {"channel": "c"})
    message("channel_messages", "WhoIs", {"cookie": 7}, "by_cookie")
    message("channel_messages", "Close", {"channel": "c", "verdict": "denied"})
    message("channel_messages", "Status", {"version": 1})
    message("channel_messages", "step", {"done": False, "token": "aGVsbG8="})
    done = {"done": True, "context": "c", "contextFileDescriptor": 0, "initiator": "a@R", "acceptor": "b@R",
            "flags": flags, "expires": 2**31}
    message("channel_messages", "step", done, "done")
    message("channel_messages", "step", {**done, "expires": 2**62}, "far_end")
    message("channel_messages", "ERROR step", {**failure, "errorToken": "aGVsbG8="})
    message("channel_messages", "admit", {"context": "x", "channel": "c", "programFileDescriptor": 0, "rule": "r",
                                          "cookie": 1, "callerUid": 0})
    message("channel_messages", "ERROR admit", failure)

    find = {"version": 1, "plugin": "scp", "query": query, "timeoutMilliseconds": 1000, "ticketsFileDescriptor": 0,
            "ticketsPrincipal": "host/a@R"}
    message("plugin_messages", "Find", find)
    message("plugin_messages", "Find", {**find, "version": 2, "more": 1}, "other_version")
    message("plugin_messages", "Find", {**find, "query": {**query, "limit": 1001}}, "no_limit")
    message("plugin_messages", "Resolve", {"version": 1, "host": "app1", "timeoutMilliseconds": 10})
    message("plugin_messages", "Status", {"version": 1})
    message("plugin_messages", "Load", {"name": "scp", "path": "/usr/lib/mutuald/scp.so", "options": "{}"})
    message("plugin_messages", "finder Find", {"query": query, "timeoutMilliseconds": 0})
    message("plugin_messages", "finder Resolve", {"host": "app1"})
    message("plugin_messages", "finding", {"candidate": candidate}, "candidate")
    message("plugin_messages", "finding", {"candidate": {**candidate, "ttlSeconds": 2**31 - 1,
                                                         "priority": 2**32 - 1}}, "large_numbers")
    message("plugin_messages", "finding", {"note": "entry of \u00e4"}, "note")
    message("plugin_messages", "finding", {"note": "a" + "\u20ac" * 341}, "full_note")
    message("plugin_messages", "finding", {"problem": problem}, "problem")
    message("plugin_messages", "finding", {}, "nothing_more")
    query = {"addresses": ["192.0.2.7", "2001:db8::7"], "program": 200500, "rpcVersion": 2, "timeoutMilliseconds": 2000}
    registration = {"program": 200500, "versions": [1, 2], "address": "::", "port": 7000}
    message("plugin_messages", "FindRpc", {"version": 1, **query})
    message("plugin_messages", "FindRpc", {"version": 1, **query, "addresses": []}, "no_address")
    message("plugin_messages", "RegisterRpc", {"version": 1, "service": "payroll", **registration})
    message("plugin_messages", "RegisterRpc", {"version": 1, "service": "payroll", **registration, "versions": [1.5]},
            "no_version")
    message("plugin_messages", "UnregisterRpc", {"version": 1, "service": "payroll"})
    message("plugin_messages", "finder FindRpc", {**query, "port": 111})
    message("plugin_messages", "finder Register", {**registration, "isWanted": True, "socket": "/run/rpcbind.sock",
                                                   "timeoutMilliseconds": 5000})
    message("plugin_messages", "place", {"address": "192.0.2.7", "port": 7000, "how": "rpcbind v4"})

    message("broker_messages", "Open", {"request": {"service": "ledger", "keywords": ["books"], "instance": "x",
            "host": "app1.example.org", "credentialCache": "KCM:", "minimumLifetimeSeconds": 60,
            "timeoutMilliseconds": 1000}})
    message("broker_messages", "Open", {"request": {"service": "ledger"}}, "service_alone")
    connected = {"context": "c", "endpoint": endpoint, "connectMicroseconds": 10, "handshakeMicroseconds": 20,
                 "attempts": [{"endpoint": endpoint, "message": "refused", "microseconds": 3}]}
    message("broker_messages", "connected", connected)
    message("broker_messages", "connected", {**connected, "attempts": [{"message": 1}]}, "bad_attempt")
    message("broker_messages", "ERROR connected", {**failure, "attempts": connected["attempts"]})
    message("broker_messages", "listening", {"endpoint": endpoint, "of_a_newer_version": 1})
    row = {"channel": "c", "role": "acceptor", "service": "ledger", "rule": "r", "context": "x", "initiator": "a@R",
           "acceptor": "b@R", "spn": "", "transport": "sockets", "callerUid": 0, "endpoint": endpoint, "started": 1,
           "expires": 2, "ended": 0, "verdict": "reset", "bytesFromPeer": 1, "bytesToPeer": 2, "cookie": 3}
    message("broker_messages", "rows", {"channels": [row, row]})
    message("broker_messages", "whois", {"channel": row})
    message("broker_messages", "program", {"loops": 2, "services": ["ledger"]})
    message("broker_messages", "initiating", {"grantFileDescriptor": 0, "principal": "a@R", "expires": 9, "cached": True})
    message("broker_messages", "accepting", {"grantFileDescriptors": [0, 1], "generation": 1,
                                             "keys": [{"principal": "a@R", "kvno": 3, "enctype": "aes"}]})
    message("broker_messages", "facts", {"role": "initiator", "initiator": "a@R", "acceptor": "b@R", "expires": 9,
                                         "flags": flags})
    message("broker_messages", "cache", {"cacheFileDescriptor": 1, "principal": "host/a@R", "expires": 9})
    message("broker_messages", "found", {"candidates": [candidate, {}], "notes": ["n"], "problem": problem})
    message("broker_messages", "addresses", {"addresses": ["192.0.2.1", "::1"]})


def rpcbind():
    flag, address, port, entries, mappings = range(5)

    def text(value):
        return struct.pack(">I", len(value)) + value + b"\0" * (-len(value) % 4)

    def entry(version, netid, universal, owner, program=200500):
        return struct.pack(">3I", 1, program, version) + text(netid) + text(universal) + text(owner)

    def reply(name, asked, results, status=0):
        seed("rpcbind", name, bytes([asked]) + struct.pack(">6I", 7, 1, 0, 0, 0, status) + results)

    none = struct.pack(">I", 0)
    reply("yes", flag, struct.pack(">I", 1))
    reply("neither", flag, struct.pack(">I", 2))
    reply("port", port, struct.pack(">I", 7000))
    reply("large_port", port, struct.pack(">I", 70000))
    for name, universal in (("ipv4", b"192.0.2.7.27.88"), ("ipv6", b"2001:db8::7.27.88"), ("any", b"0.0.0.0.0.111"),
                            ("mapped", b"::ffff:127.0.0.1.27.88"), ("path", b"/run/rpcbind.sock"), ("empty", b""),
                            ("large_octet", b"192.0.2.7.27.256")):
        reply(f"address_{name}", address, text(universal))
    reply("long_text", address, text(b"x" * 257))
    reply("list", entries, entry(1, b"tcp", b"0.0.0.0.27.88", b"903") + entry(2, b"tcp6", b"::.27.88", b"superuser")
          + entry(4, b"local", b"/run/rpcbind.sock", b"superuser", 100000) + none)
    reply("cut_list", entries, entry(1, b"tcp", b"0.0.0.0.27.88", b"903"))
    reply("more_behind", entries, none + none)
    reply("mappings", mappings, struct.pack(">10I", 1, 200500, 1, 6, 7000, 1, 200500, 2, 17, 7000) + none)
    reply("no_such_version", entries, struct.pack(">2I", 2, 4), status=2)
    reply("no_such_procedure", entries, b"", status=3)
    seed("rpcbind", "refusal", bytes([address]) + struct.pack(">5I", 7, 1, 1, 1, 5))


def config():
    with open(f"{HERE}/../../docs/mutuald.toml.example") as file:
        seed("config", "example", file.read())
    accept = ("[service.a]\nrealm='R'\n[service.a.accept]\nspns=['a/b:7/cn=x']\nkeytab='/k'\nport=7\n")
    seed("config", "defaults", "")
    seed("config", "daemon", "[daemon]\nrequest_timeout='10s'\nplugin_folder='/p'\n[daemon.limits]\nmessage=65536\n")
    seed("config", "identities", "[identity.search]\nkeytab='/k'\nprincipal='host/a@R'\n[plugin.scp]\n"
         "identity='search'\ntimeout='5s'\nfinders=3\noptions={servers=['ldap://x'], n=1.5, t=true}\n")
    seed("config", "trust", "[service.a]\nrealm='R'\nclass='c'\ndiscovery=['scp']\nspn='three_part'\n"
         "trust.hosts=['app1.example.org','.example.org']\ntrust.base='dc=x'\nbase='dc=x'\n")
    seed("config", "accept", accept + "deliver='accept'\naccept_users=['root']\nallow.realms=['R']\n")
    seed("config", "unix", accept + "deliver='unix'\nsocket='/s'\nheader='proxy-v2'\nallow.principals=['a@R']\n"
         "allow.patterns=['host/*@R']\nlimits.handshakes=3\n")
    seed("config", "rules", "[[rule]]\nname='r'\naction='allow'\nusers=['root']\ngroups=['root']\nservices=['*']\n")
    seed("config", "nul", '[service.a]\nrealm="R\\u0000S"\n"k\\u0000"=1\n')
    seed("config", "escapes", '[plugin.x]\nkind="discovery"\noptions={"\\u00e4\\n"="\\U0001F600\\\\\\"\\t"}\n')
    seed("config", "numbers", "[plugin.x.options]\na=inf\nb=-0.0\nc=0x7fffffffffffffff\nd=1e300\ne=nan\n")
    seed("config", "dates", "[daemon]\nrequest_timeout=1979-05-27T07:32:00Z\n")
    seed("config", "odd_date", "[daemon]\nrequest_timeout=1979-05-27T.7:32:00Z\n")
    seed("config", "syntax", "[daemon\nx=\n")
    seed("config", "dotted", "a" + ".a" * 500 + "=1\n")
    seed("config", "nested", "a=" + "[" * 60 + "]" * 60)


def main():
    for make in (varlink, gss_frame, session, first_token, ticket, dns, scp, spn, headers, messages, rpcbind, config):
        make()


if __name__ == "__main__":
    main()
