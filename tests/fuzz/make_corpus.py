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


def sessions():
    for target in ("session", "framed"):  # their frames are the same
        session(target)


def session(target):
    def text(octets):
        return bytes([len(octets)]) + octets

    record, end, again, lost, altered, open_record, raw, framed = 7, 6, 2, 3, 4, 5, 0, 1
    good = bytes([record]) + text(b"good day") + bytes([record]) + text(b"x")
    for role in (0, 1):
        def records(name, script, stops=0, piece=5):
            seed(target, f"records_{name}_{role}", bytes([role, stops, piece]) + script)
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
        seed(target, f"acceptor_{name}", bytes([4, knobs]) + exact + bytes([0, 0, 0]))
        seed(target, f"initiator_{name}", bytes([5, knobs, 0]) + network(welcome) + bytes([0, 0]))
    seed(target, "acceptor_foreign", bytes([4, 0]) + network(b"GET / HTTP/1.1\r\n\r\n") + b"\0\0")
    seed(target, "initiator_cut", bytes([5, 0, 0, 255, 0]))

    def way(direction, how, arguments=b""):
        return bytes([direction + 2 * how]) + arguments

    talk = way(0, 0, text(b"question")) + way(0, 4, b"\3") + way(1, 0, text(b"answer")) + way(1, 4, b"\7")
    ends = way(0, 2) + way(1, 2) + way(0, 4, b"\1") + way(1, 4, b"\1")
    seed(target, "network_honest", bytes([6]) + talk + ends)
    seed(target, "network_alters", bytes([6]) + talk + way(0, 0, text(b"more")) + way(0, 6, b"\0\x15\1\x05") + ends)
    seed(target, "network_drops", bytes([6]) + way(0, 0, text(b"one")) + way(0, 0, text(b"two"))
         + way(0, 7, b"\0\0\x23\0\x09") + ends)
    seed(target, "network_repeats", bytes([6]) + way(0, 0, text(b"one")) + way(0, 7, b"\0\0\x23\1\x09") + ends)
    seed(target, "network_cuts", bytes([6]) + talk + way(0, 0, text(b"unsent")))


def rpc_record():
    def fragment(octets, last=True):
        return struct.pack(">I", len(octets) | last << 31) + octets

    three = fragment(b"one ", False) + fragment(b"", False) + fragment(b"record")
    seed("rpc_record", "whole", b"\x40\5" + fragment(b"one record") + three + fragment(b"") + fragment(b"last"))
    seed("rpc_record", "at_the_bound", b"\0\1" + fragment(b"four"))
    seed("rpc_record", "above_the_bound", b"\0\1" + fragment(b"five!"))
    seed("rpc_record", "fragments_above_the_bound", b"\0\2" + fragment(b"abc", False) + fragment(b"de"))
    seed("rpc_record", "many_fragments", b"\x40\7" + fragment(b"", False) * 2000)
    seed("rpc_record", "huge", b"\x40\3\xff\xff\xff\xffbegun")
    seed("rpc_record", "cut_in_a_mark", b"\x40\1" + fragment(b"x") + b"\x80\0")
    seed("rpc_record", "cut_in_a_fragment", b"\x40\1" + three[:-2])
    seed("rpc_record", "http", b"\x40\2GET / HTTP/1.1\r\n\r\n")


def rpc_message():
    def words(*numbers):
        return struct.pack(f">{len(numbers)}I", *numbers)

    def opaque(octets):
        return words(len(octets)) + octets + b"\0" * (-len(octets) % 4)

    def auth(flavor=0, body=b""):
        return words(flavor) + opaque(body)

    handle = bytes(range(16))
    gss = words(1, 0, 7, 3) + opaque(handle)
    call, reply, credential, token, result, window = (bytes([kind]) for kind in range(6))
    head = words(7, 0, 2, 200001, 2, 1)
    seed("rpc_message", "call", call + head + auth() + auth() + b"arguments...")
    seed("rpc_message", "call_gss", call + head + auth(6, gss) + auth(6, b"m" * 28) + opaque(b"sealed"))
    seed("rpc_message", "call_sys", call + head + auth(1, words(0) + opaque(b"host") + words(1, 1, 0)) + auth())
    seed("rpc_message", "call_of_version_3", call + words(7, 0, 3))
    seed("rpc_message", "call_long_credential", call + head + auth(6, b"c" * 401) + auth())
    seed("rpc_message", "call_cut", call + head + auth(6, gss) + words(6, 28) + b"mic")
    for name, status, rest in (("success", 0, b"results."), ("mismatch", 2, words(1, 3)), ("system_error", 5, b"")):
        seed("rpc_message", f"reply_{name}", reply + words(7, 1, 0) + auth(6, b"m" * 28) + words(status) + rest)
    seed("rpc_message", "reply_longer", reply + words(7, 1, 0) + auth() + words(1, 0))
    seed("rpc_message", "reply_rpc_mismatch", reply + words(7, 1, 1, 0, 2, 2))
    seed("rpc_message", "reply_auth_error", reply + words(7, 1, 1, 1, 13))
    seed("rpc_message", "credential", credential + gss)
    seed("rpc_message", "credential_init", credential + words(1, 1, 0, 3, 0))
    seed("rpc_message", "credential_of_version_3", credential + words(3, 0, 7, 3, 0))
    seed("rpc_message", "credential_odd_handle", credential + words(1, 3, 7, 2) + opaque(b"handle"))
    seed("rpc_message", "token", token + opaque(b"token"))
    seed("rpc_message", "token_too_large", token + words(131073) + b"begun")
    seed("rpc_message", "result", result + opaque(handle) + words(0, 0, 128) + opaque(b"token"))
    seed("rpc_message", "result_failed", result + opaque(b"") + words(13 << 16, 7, 0, 0))
    seed("rpc_message", "window", window + bytes([0, 1, 0, 3, 0, 2, 0, 3, 4, 0, 0, 3, 0, 255, 8, 0, 255, 255, 255, 254]))


def rpc_text(octets):
    return bytes([len(octets)]) + octets


SPOIL_OCTET, SPOIL_CUT, SPOIL_MORE = b"\0\0\x02\x40", b"\1\0\x09", b"\2" + rpc_text(b"more")


def oncrpc_acceptor():
    """The twists are those of HostileClient."""
    stream, ends = 0, 1
    again, raw, new_context = 1, 2, 3
    with_more = {"in_two": (4, b""), "other_xid": (5, b"\7"), "other_rpc": (6, b"\3"), "other_program": (7, b""),
                 "other_version": (8, b""), "other_flavor": (9, b"\1"), "other_handle": (11, b""),
                 "earlier": (12, b"\0\1"), "much_earlier": (12, b"\1\0"), "later": (13, b"\1\4"), "last": (14, b"\x80"),
                 "other_verifier": (15, b"\0"), "other_service": (17, b"\0"), "other_protection": (18, b"\1"),
                 "other_inner": (19, b"\1"), "not_confidential": (21, b"")}
    for name, kind in (("credential", 10), ("verifier", 16), ("body", 20), ("message", 22)):
        for how, spoil in (("altered", SPOIL_OCTET), ("cut", SPOIL_CUT), ("longer", SPOIL_MORE)):
            with_more[f"{name}_{how}"] = (kind, spoil)

    def call(twist=0, text=b"args", more=b""):
        return bytes([twist]) + rpc_text(text) + more

    def client(octets):
        return b"\0" + octets

    def server(twist=5, text=b"results", more=b"\0\0"):
        return bytes([3, twist]) + rpc_text(text) + more

    answer, begin = b"\4", client(call(new_context, b"")) + b"\4\4"
    answered = b"\3\x05" + rpc_text(b"results") + b"\0"
    destroy = client(call(24))
    for service in range(3):
        first = bytes([4 * service + stream, 5])
        many = call() + call(again) + call(text=b"more")
        seed("oncrpc_acceptor", f"stream_{service}", first + many + call(24) + call())
        first = bytes([4 * service + ends, 0]) + begin
        seed("oncrpc_acceptor", f"answered_{service}", first + client(call()) + server() + destroy)
        seed("oncrpc_acceptor", f"again_{service}", first + client(call()) + client(call(again)) + server(4, more=b"\0") + server())
        for name, (twist, more) in with_more.items():
            seed("oncrpc_acceptor", f"{name}_{service}", first + client(call(twist, more=more)) + client(call()) + server())
    privacy = bytes([8 + ends, 0])
    for twist in range(8):
        seed("oncrpc_acceptor", f"server_{twist}", privacy + begin + client(call()) * 2
             + server(twist, more=b"\1" + SPOIL_OCTET) + server())
    for knob in range(8):
        seed("oncrpc_acceptor", f"knob_{knob}", bytes([8 + ends, 1 << knob]) + begin + client(call(23)) + answer * 2
             + client(call(text=b"x" * 63)) * 9)
    second = client(call(new_context, b"")) + answer * 2
    seed("oncrpc_acceptor", "two_contexts", privacy + begin + client(call()) + second + b"\5\1" + client(call())
         + server(more=b"\1\0") + server() + destroy + b"\5\0" + destroy)
    seed("oncrpc_acceptor", "destroyed_with_calls_under_way", privacy + begin + client(call()) * 2 + destroy + server())
    seed("oncrpc_acceptor", "calls_while_a_context_is_made", privacy + begin + client(call(new_context, b""))
         + client(call()) + destroy + answer + client(call()) + answer)
    failing = client(call(new_context, b"wrong number")) + answer
    seed("oncrpc_acceptor", "many_contexts_that_fail", privacy + begin + failing * 70)
    seed("oncrpc_acceptor", "many_contexts", privacy + begin + second * 70)
    seed("oncrpc_acceptor", "no_rpc", privacy + client(call(raw, b"GET / HTTP/1.1\r\n\r\n")))
    seed("oncrpc_acceptor", "program_ends", privacy + begin + client(call()) + b"\7\2")
    seed("oncrpc_acceptor", "network_ends", privacy + begin + client(call()) + b"\7\1" + server())


def oncrpc_initiator():
    """The twists are those of HostileServer."""
    stream, ends = 0, 1
    again, raw, foresees = 1, 2, 5
    with_more = {"in_two": (3, b""), "keeps": (4, b""), "other_xid": (6, b"\1"), "other_sequence": (7, b"\1"),
                 "mismatch": (8, b"\2\2"), "system_error": (8, b"\5\0"), "auth_error": (9, b"\x0d"), "rpc_mismatch": (10, b""),
                 "other_verifier": (11, b"\0"), "other_protection": (13, b"\1"), "other_inner": (14, b"\1"),
                 "not_confidential": (16, b""), "a_call": (18, b""), "goes_on": (19, b""), "fails": (20, b"\3\x40")}
    for name, kind in (("verifier", 12), ("body", 15), ("message", 17)):
        for how, spoil in (("altered", SPOIL_OCTET), ("cut", SPOIL_CUT), ("longer", SPOIL_MORE)):
            with_more[f"{name}_{how}"] = (kind, spoil)

    def reply(twist=0, text=b"res.", which=0, more=b""):
        chooses = b"" if twist in (again, raw, foresees) else bytes([which])
        return bytes([twist]) + rpc_text(text) + chooses + more

    def server(octets):
        return b"\0" + octets

    def program(twist=7, text=b"args", xid=9, more=b""):
        return bytes([3, twist]) + rpc_text(text) + bytes([xid]) + more

    answer, end = b"\5", b"\7\2"
    begin = answer + server(reply()) + answer
    for service in range(3):
        calls = bytes([3]) + rpc_text(b"one") + rpc_text(b"two") + rpc_text(b"three") + b"\1"
        seed("oncrpc_initiator", f"stream_{service}", bytes([4 * service + stream, 5]) + calls
             + reply(which=1) + reply(again) + reply() + reply() + reply(foresees))
        first = bytes([4 * service + ends, 0])
        seed("oncrpc_initiator", f"answered_{service}", first + begin + program() + server(reply()) + end + server(reply()))
        for name, (twist, more) in with_more.items():
            told = server(reply(twist, more=more))
            seed("oncrpc_initiator", f"{name}_{service}", first + begin + program() * 2 + told + server(reply()))
            if service == 2:
                seed("oncrpc_initiator", f"init_{name}", first + answer + told + answer + server(reply()) + answer)
    privacy = bytes([8 + ends, 0])
    for twist in range(12):
        more = b"\1\0" if twist == 5 else b"\0"
        seed("oncrpc_initiator", f"program_{twist}", privacy + begin + program(twist, more=more) + program() + server(reply()))
    for knob in range(6):
        seed("oncrpc_initiator", f"knob_{knob}", bytes([8 + ends, 1 << knob]) + begin
             + (server(reply(19)) + answer) * 3 + server(reply()) + answer + program(text=b"x" * 63) * 9)
    seed("oncrpc_initiator", "ends_while_a_call_is_under_way", privacy + begin + program() + end + server(reply()) * 2)
    seed("oncrpc_initiator", "end_is_foreseen", privacy + begin + program() + end + server(reply(foresees)))
    seed("oncrpc_initiator", "no_rpc", privacy + answer + server(reply(raw, b"HTTP/1.1 400 Bad Request\r\n")))
    seed("oncrpc_initiator", "network_ends", privacy + begin + program() + b"\7\1")


def oncrpc_network():
    def call(text):
        return b"\0" + rpc_text(text)

    def carry(acceptor=False, how=9, place=b""):
        return bytes([how + (how + acceptor + 1) % 2]) + place + b"\x3f"

    there, back, end = carry(), carry(True), b"\x08"
    talk = call(b"one") + call(b"two") + there + b"\5\1" + b"\5\0" + back
    for service in range(3):
        first = bytes([service])
        seed("oncrpc_network", f"good_{service}", first + talk + end + there + back)
        for name, how in (("alters", 12), ("loses", 14), ("repeats", 15)):
            seed("oncrpc_network", f"{name}_{service}", first + call(b"one") + call(b"two")
                 + bytes([how]) + b"\0\x50\0\x41\x3f" + there + b"\5\0" + back + end + there + back)
        seed("oncrpc_network", f"cuts_{service}", first + talk + call(b"three"))
    whole = b"\0\0\0\xff\x3f"
    seed("oncrpc_network", "replays", b"\2" + call(b"one") + bytes([15]) + whole + b"\5\0" + back)


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
    message("plugin_messages", "KeepRpc", {"version": 1, "services": ["payroll", "echo"]})
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
    for make in (varlink, gss_frame, sessions, rpc_record, rpc_message, oncrpc_acceptor, oncrpc_initiator,
                 oncrpc_network, first_token, ticket, dns, scp, spn, headers, messages, rpcbind,
                 config):
        make()


if __name__ == "__main__":
    main()
