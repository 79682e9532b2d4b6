# SPDX-License-Identifier: Apache-2.0
"""Each fault of the table (faults.py), induced: the same code, stage, cause and hint in the API, the CLI and the journal."""
import contextlib
import fcntl
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading

import directory
import gss_peer
import host
import kerberos
import keytab
import ledger
from chain import DIRECT, Chain
from faults import ACCEPTING, OPENING
from gss_peer import FLAG, USUAL, Peer, framed
from harness import build_folder, eventually, main
from running import rule, service, static_instances

FAKE_PORT, QUEUE_PORT = 7100, 7001
APP = host.full_name("app1")
PLUGINS = "/usr/local/lib/strange"
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
SAYS_NOTHING = re.compile("Unspecified GSS failure|Minor code may provide|[Uu]nknown (code|error)|error \\d+$|errno", re.MULTILINE)


def found(name, service_class="ledger", where=APP, port=ledger.PORT, **keys):
    """A service that the static plugin finds under its own name, and where."""
    definition = service(name, **{"service_class": service_class, "discovery": ["static"], "keywords": [name],
                                  "trust": {"hosts": [f".{host.DOMAIN}"]}, **keys})
    return definition + static_instances({"class": service_class, "host": where, "port": port, "keywords": [name]})


def configuration():
    return "\n".join([
        rule("not-this-one", ["forbidden"], users=["alice"], action="deny"),
        # bob may open nothing
        ledger.client_config(users=("alice",)),
        found("direct"), found("forbidden"), found("fake", port=FAKE_PORT), found("queued", port=QUEUE_PORT),
        found("refused", port=7099), found("unknown-host", where=f"nohost.{host.DOMAIN}"),
        found("stranger", "stranger"), found("wrong-spn", "host"),
        service("untrusted", service_class="ledger", discovery=["scp"], keywords=[directory.LEDGER_KEYWORD]),
        found("elsewhere").replace(f'[service.elsewhere]\nrealm = "{host.REALM}"', '[service.elsewhere]\nrealm = "ELSEWHERE.TEST"'),
        found("ghost", identity="ghost"),
        service("absent", discovery=["static"], keywords=["nothing has this"]),
        service("wrong-base", discovery=["scp"], keywords=["x"], base="dc=nowhere,dc=test"),
        service("gone", discovery=["scp-gone"]), service("misnamed", discovery=["scp-misnamed"], keywords=["x"]),
        service("leave", discovery=["wild"]), service("hang", discovery=["slow"]),
        f"""
[identity.ghost]
keytab = "/etc/mutuald/keytabs/ghost.keytab"
principal = "ghost@{host.REALM}"
[identity.search-gone]
keytab = "/etc/mutuald/keytabs/gone.keytab"
principal = "mutual-search@{host.REALM}"
[plugin.scp-gone]
kind = "discovery"
path = "{host.PLUGINS}/scp.so"
identity = "search-gone"
options = {{ servers = ["ldap://{host.full_name('dc')}"] }}
[plugin.scp-misnamed]
kind = "discovery"
path = "{host.PLUGINS}/scp.so"
identity = "search"
options = {{ servers = ["ldap://{APP}:3890"] }}
[plugin.wild]
kind = "discovery"
path = "{PLUGINS}/wild.so"
timeout = "2s"
[plugin.slow]
kind = "discovery"
path = "{PLUGINS}/wild.so"
timeout = "2s"
options = {{ at_start = "hang" }}
""",
        rule("the-others", ["*"], users=["alice"]), rule("carol-directly", ["direct"], users=["carol"])])


class Faults(Chain):
    client = configuration()
    server = ledger.server_config(principals=("alice",)) + f"""
[service.queued]
class = "ledger"
realm = "{host.REALM}"
[service.queued.accept]
spns = ["ledger/{APP}"]
keytab = "/etc/mutuald/keytabs/ledger.keytab"
port = {QUEUE_PORT}
deliver = "accept"
accept_users = ["ledger"]
[service.queued.accept.limits]
waiting = 1
[service.queued.accept.allow]
principals = ["alice@{host.REALM}"]
"""

    @classmethod
    def before_start(cls):
        gss_peer.use_realm(cls.world)
        cls.addClassCleanup(gss_peer.leave_realm)
        folder = cls.world.inside("client1", PLUGINS)
        os.makedirs(folder)
        shutil.copy(f"{build_folder()}/tests/plugins/wild.so", folder)
        kerberos.batch(cls.world, [f"addprinc -randkey ledger/nohost.{host.DOMAIN}"])
        path = cls.world.keytab("client1", "ghost")
        keytab.write(path, [keytab.wrong_key(["ghost"], host.REALM)])
        os.chown(path, 0, host.GROUPS["mutuald-keys"])
        os.chmod(path, 0o640)

    def setUp(self):
        for user in ("alice", "carol"):
            self.kdestroy("client1", user)
            self.kinit("client1", user)

    # The table

    def test_each_fault_is_told_alike_in_api_cli_and_journal(self):
        for fault in OPENING:
            with self.subTest(fault.name), self.induced(fault):
                self.setUp() if fault.induce not in ("no_cache", "an_expired_ticket", "no_kdc", "a_locked_cache") else None
                self.told_to_the_opener(fault)

    def told_to_the_opener(self, fault):
        reply = self.request(fault.service, fault.user, **fault.request)
        self.assertIn("error", reply, "it opened")
        told = reply["parameters"]
        code = reply["error"].rpartition(".")[2]
        self.matches(fault, code, told["stage"], told["message"], told["hint"])
        # Explain, afterwards: word for word.
        past = json.loads(self.must("client1", f"{host.BUILD}/bin/mutualctl", "explain", told["explanation"]["request"], "--json"))
        self.assertEqual((past["result"], past["message"], past["hint"]), (code, told["message"], told["hint"]))
        # The journal: the same line.
        line = f"opened no channel: {code} at {told['stage']}: {told['message']}" + (f" ({told['hint']})" if told["hint"] else "")
        eventually(lambda: line in self.log("client1"), what=f"in the log: {line}")
        # The command line asks anew; numbers may differ.
        shown = self.by_hand(fault)
        self.assertIn(f"(stage {told['stage']}, {code})", shown)
        self.assertRegex(shown, fault.cause)
        if told["hint"]:
            self.assertRegex(shown, f"hint: .*({fault.hint})")
        self.assertNotRegex(shown, SAYS_NOTHING)

    def by_hand(self, fault):
        options = {"timeoutMilliseconds": ("--timeout", "{}ms"), "minimumLifetimeSeconds": ("--min-lifetime", "{}s"),
                   "credentialCache": ("--cache", "{}")}
        words = [word for key, value in fault.request.items() for word in (options[key][0], options[key][1].format(value))]
        done = self.mutualctl("client1", "open", fault.service, *words, user=fault.user)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr

    def matches(self, fault, code, stage, cause, hint):
        self.assertRegex(code, f"^({fault.code})$", cause)
        self.assertRegex(stage, f"^({fault.stage})$", cause)
        self.assertRegex(cause, fault.cause)
        self.assertRegex(hint, fault.hint)
        for text in (cause, hint):
            self.assertNotRegex(text, SAYS_NOTHING)

    def test_each_fault_of_the_accepting_side_is_in_its_journal(self):
        for fault in ACCEPTING:
            with self.subTest(fault.name):
                before = len(self.log("app1"))
                with self.induced(fault):
                    self.setUp()
                    if fault.service:
                        self.assertIn("error", self.request(fault.service, fault.user, **fault.request))
                    pattern = re.compile(f"({fault.code}) at ({fault.stage}): (.*)")
                    def told():
                        lines = self.log("app1")[before:].splitlines()
                        return next((line for line in lines if pattern.search(line) and re.search(fault.cause, line)), None)
                    try:
                        line = eventually(told, what="the refusal in the log")
                    except AssertionError:
                        self.fail(f"none of these lines is it: {self.log('app1')[before:]}")
                self.assertRegex(line, fault.hint)
                self.assertNotRegex(line, SAYS_NOTHING)

    def test_a_configuration_fault_names_file_line_and_key(self):
        self.configure("client1", '[daemon]\nrequest_timout = "1s"\n', "wrong/mutuald.toml")
        done = self.mutualctl("client1", "check-config", "/etc/mutuald/wrong")
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"(?s)wrong/mutuald.toml:2.*request_timout.*request_timeout")

    # What is done to the world

    @contextlib.contextmanager
    def induced(self, fault):
        kind, _, how = fault.induce.partition(":")
        with getattr(self, kind)(*[how] if how else []) if kind else contextlib.nullcontext():
            yield

    def no_directory(self):
        return self.stopped("slapd")

    def no_kdc(self):
        return self.stopped("kdc")

    def a_black_hole(self):
        return self.blackhole("client1", "app1")

    @contextlib.contextmanager
    def an_scp(self):
        """In the directory, and nothing says why it may be trusted."""
        dn = directory.publish(self.world, "unsung", "app1", ledger.PORT)
        try:
            yield
        finally:
            directory.delete(self.world, dn)

    @contextlib.contextmanager
    def no_route(self):
        """The kernel knows that there is no way there."""
        self.must("client1", "ip", "route", "add", "unreachable", host.ADDRESSES["app1"])
        try:
            yield
        finally:
            self.must("client1", "ip", "route", "del", "unreachable", host.ADDRESSES["app1"])

    @contextlib.contextmanager
    def no_cache(self):
        self.kdestroy("client1", "alice")
        yield

    @contextlib.contextmanager
    def an_expired_ticket(self):
        self.kinit("client1", "alice", lifetime="1s")
        eventually(lambda: self.run_on("client1", "klist", "-s", user="alice").returncode == 1, what="the ticket's end")
        yield

    @contextlib.contextmanager
    def a_locked_cache(self):
        with open(self.world.inside("client1", "/tmp/krb5cc_1001"), "rb+") as cache:
            fcntl.lockf(cache, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def replaced(self, entries):
        """Other keys, or none, in the acceptor's keytab."""
        path = self.world.keytab("app1", "ledger")
        os.rename(path, path + ".kept")
        try:
            if entries is not None:
                keytab.write(path, entries)
                os.chown(path, 0, host.GROUPS["mutuald-keys"])
                os.chmod(path, 0o640)
            yield
        finally:
            os.rename(path + ".kept", path)

    def another_kvno(self):
        return self.replaced([keytab.wrong_key(["ledger", APP], host.REALM, 99)])

    def a_wrong_key(self):
        return self.replaced([keytab.wrong_key(["ledger", APP], host.REALM, 1),
                              keytab.entry(["ledger", APP], host.REALM, os.urandom(32), 1, 20)])

    def no_keytab(self):
        return self.replaced(None)

    @contextlib.contextmanager
    def without_socket(self):
        path = self.world.inside("app1", ledger.SOCKET)
        os.rename(path, path + ".kept")
        try:
            yield path
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            os.rename(path + ".kept", path)

    def no_server(self):
        return self.without_socket()

    @contextlib.contextmanager
    def a_server_of_bob(self):
        with self.without_socket() as path:
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(path)
                os.chmod(path, 0o666)
                os.chown(path, host.USERS["bob"], host.USERS["bob"])
                server.listen()
                yield

    @contextlib.contextmanager
    def a_full_queue(self):
        """One handshake waits for a call of Accept already."""
        waiting = self.pending("queued", timeoutMilliseconds=9000)
        eventually(lambda: " 1 handshakes" in self.parts("app1")["mutuald-channel"]["detail"], what="a waiting handshake")
        try:
            yield
        finally:
            waiting.close()
            eventually(lambda: " 0 handshakes" in self.parts("app1")["mutuald-channel"]["detail"], 12, "no handshake")

    @contextlib.contextmanager
    def directory_on_app1(self):
        """A way to the directory under a name for which it holds no key."""
        forward = self.start_on("app1", "/usr/bin/python3", "-c", FORWARD, "3890", host.ADDRESSES["dc"], "389", log="forward")
        try:
            eventually(lambda: self.run_on("client1", "/usr/bin/python3", "-c",
                                           f"import socket; socket.create_connection(('{APP}', 3890))").returncode == 0,
                       what="the forwarder")
            yield
        finally:
            forward.kill()
            forward.wait()

    # Peers that are not ours

    @contextlib.contextmanager
    def fake(self, how):
        """An acceptor on FAKE_PORT that does the same to each connection."""
        listener = gss_peer.listen(self.world, "app1", FAKE_PORT)
        kept, over = [], threading.Event()

        def serve():
            while not over.is_set():
                with contextlib.suppress(OSError, EOFError):
                    connected = listener.accept()[0]
                    kept.append(Peer(connected))
                    getattr(self, f"fake_{how}")(kept[-1])
        listener.settimeout(0.2)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            listener.close()
            for peer in kept:
                peer.close()

    def fake_http(self, peer):
        peer.raw(b"HTTP/1.1 400 Bad Request\r\nServer: other\r\n\r\n")
        peer.end()
        peer.rest()

    def fake_leaves(self, peer):
        peer.next_frame()
        peer.end()
        peer.close()

    def fake_cut(self, peer):
        peer.next_frame()
        peer.raw(struct.pack(">I", 200) + b"\x60")
        peer.end()
        peer.close()

    def fake_silent(self, peer):
        peer.next_frame()

    def fake_altered(self, peer):
        token = peer.take(self.world.keytab("app1", "ledger"))
        peer.frame(token[:-1] + bytes([token[-1] ^ 1]))
        peer.rest()

    def fake_late(self, peer):
        peer.frame(self.elsewhen("+10m", ACCEPTS, peer.next_frame(), self.world.keytab("app1", "ledger")))
        peer.rest()

    @staticmethod
    def elsewhen(shift, program, octets, *words):
        """What a program answers whose clock is shifted."""
        environment = {**os.environ, "LD_PRELOAD": FAKETIME, "FAKETIME": shift}
        done = subprocess.run([sys.executable, "-c", program, *words], input=octets, capture_output=True, env=environment, timeout=20)
        if done.returncode != 0:
            raise AssertionError(done.stderr.decode())
        return done.stdout

    @contextlib.contextmanager
    def sends(self, what):
        """A client of the acceptor that is not ours."""
        peer = Peer(gss_peer.connect(self.world, "client1", "app1", ledger.PORT))
        with contextlib.closing(peer), contextlib.suppress(ConnectionResetError, BrokenPipeError):
            getattr(self, f"send_{what}")(peer)
            yield

    def cache(self):
        self.must("client1", "kvno", f"ledger/{APP}", user="alice")
        return "FILE:" + self.world.inside("client1", "/tmp/krb5cc_1001")

    def send_no_mutual(self, peer):
        peer.raw(framed(peer.first_token(f"ledger/{APP}", self.cache(), {FLAG.out_of_sequence_detection})))

    def send_twice(self, peer):
        token = peer.first_token(f"ledger/{APP}", self.cache(), USUAL)
        first = Peer(gss_peer.connect(self.world, "client1", "app1", ledger.PORT))
        with contextlib.closing(first):
            first.frame(token)
            self.assertIsNotNone(first.next_frame())
        peer.frame(token)

    def send_ahead(self, peer):
        peer.frame(self.elsewhen("+10m", INITIATES, b"", f"ledger/{APP}@{host.REALM}", self.cache()))

    def send_rubbish(self, peer):
        peer.frame(b"hello, this is no token")

    def send_cut(self, peer):
        peer.raw(struct.pack(">I", 500) + b"\x60")
        peer.end()


ACCEPTS = """
import sys, gssapi.raw as gss, gssapi
creds = gss.acquire_cred_from({b"keytab": sys.argv[1].encode()}, usage="accept").creds
try:
    token = gss.accept_sec_context(sys.stdin.buffer.read(), creds).token
except gssapi.exceptions.GSSError as error:
    token = error.token
sys.stdout.buffer.write(token)
"""
INITIATES = """
import sys, gssapi.raw as gss, gssapi
target = gss.import_name(sys.argv[1].encode(), gssapi.NameType.kerberos_principal)
creds = gss.acquire_cred_from({b"ccache": sys.argv[2].encode()}, usage="initiate").creds
sys.stdout.buffer.write(gss.init_sec_context(target, creds=creds, flags={2, 8}).token)
"""
FORWARD = """
import socket, sys, threading
def pump(a, b):
    while data := a.recv(65536):
        b.sendall(data)
    b.shutdown(socket.SHUT_WR)
listener = socket.create_server(("", int(sys.argv[1])))
while True:
    one = listener.accept()[0]
    other = socket.create_connection((sys.argv[2], int(sys.argv[3])))
    threading.Thread(target=pump, args=(one, other), daemon=True).start()
    threading.Thread(target=pump, args=(other, one), daemon=True).start()
"""

if __name__ == "__main__":
    main()
