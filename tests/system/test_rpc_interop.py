# SPDX-License-Identifier: Apache-2.0
"""Transport `oncrpc` against libtirpc's own RPCSEC_GSS, each end of ours with the other end of libtirpc's."""
import json
import os

import host
import onc_rpc
import tirpc
from harness import eventually, main
from running import Running, rule, service, static_instances

ALICE = f"alice@{host.REALM}"
SPN = f"ledger/{host.full_name('app1')}"
SOCKETS = "/run/books"
PORTS = {"krb5": 7201, "krb5i": 7202, "krb5p": 7203}  # of our acceptors
ECHO, WHO = 1, 2
PAYROLL = 0x20000001


def offered(security, program=tirpc.PROGRAM, name=None, port=None, socket="echo"):
    """A service of app1."""
    accept = {"spns": [SPN], "keytab": "/etc/mutuald/keytabs/ledger.keytab", "port": port or PORTS[security],
              "deliver": "unix", "socket": f"{SOCKETS}/{socket}.sock", "socket_user": "ledger", "header": "none",
              "rpc": {"register": False, "users": {ALICE: "carol"}}}
    return asked(security, program, name, accept=accept, allow={"principals": [ALICE]})


def asked(security, program=tirpc.PROGRAM, name=None, **more):
    """The part of a service's definition that both ends have."""
    rpc = {"program": program, "versions": [tirpc.VERSION], "protection": tirpc.SERVICES[security][0]}
    return service(name or security, service_class="ledger", transport="oncrpc", discovery=["static"],
                   keywords=[name or security], rpc=rpc, **more)


def instance(keyword, port):
    return {"class": "ledger", "host": host.full_name("app1"), "port": port, "keywords": [keyword]}


ACCEPTOR = "".join(map(offered, PORTS)) + offered("krb5p", PAYROLL, "payroll", 7204, "payroll")
# To libtirpc's server, to our own acceptors, and to the example.
INITIATOR = (static_instances(*[instance(security, tirpc.PORT) for security in PORTS],
                              *[instance(f"own-{security}", port) for security, port in PORTS.items()],
                              instance("payroll", 7204))
             + "".join(map(asked, PORTS)) + "".join(asked(security, name=f"own-{security}") for security in PORTS)
             + asked("krb5p", PAYROLL, "payroll") + rule("alice-calls", ["*"], users=["alice"]))


class Interop(Running):
    configurations = {"app1": ACCEPTOR, "client1": INITIATOR}

    @classmethod
    def prepare(cls):
        tirpc.start_plain_server(cls.daemons, "app1", f"{SOCKETS}/echo.sock")
        tirpc.start_gss_server(cls.daemons, "app1", SPN)
        cls.daemons.start_on("app1", f"{host.BUILD}/bin/payroll_serve", f"{SOCKETS}/payroll.sock", user="ledger")
        eventually(lambda: os.path.exists(cls.world.inside("app1", f"{SOCKETS}/payroll.sock")), what="the payroll")

    def setUp(self):
        for user in ("alice", "bob"):
            self.kinit("client1", user)


class OurAcceptor(Interop):
    """libtirpc's client calls mutuald, behind which libtirpc's server takes plain calls."""

    def command(self, security, *verb, port=None, **more):
        port = port or PORTS[security]
        if security in PORTS:
            security = f"{security}={SPN}@{host.REALM}"
        return tirpc.client_command(f"{host.ADDRESSES['app1']}:{port}", security, *verb, **more)

    def client(self, *words, user="alice", **more):
        return self.run_on("client1", *self.command(*words, **more), user=user)

    def results(self, *words, status=0, **more):
        done = self.client(*words, **more)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return tirpc.results(done.stdout)

    def test_each_service_carries_every_size(self):
        for security in PORTS:
            with self.subTest(security=security):
                self.assertEqual(self.results(security, "echo", *tirpc.SIZES), [{"echo": size} for size in tirpc.SIZES])

    def test_the_server_is_told_the_peer_its_user_and_a_number_for_whois(self):
        for security in PORTS:
            with self.subTest(security=security):
                told, = self.results(security, "who")
                self.assertEqual(told["who"] | {"stamp": 0}, {"flavor": 1, "machine": ALICE, "uid": 1003, "gid": 1003,
                                                              "gids": [910], "stamp": 0})
                channel = self.answer("WhoIs", user="root", on="app1", service=security, stamp=told["who"]["stamp"])
                self.assertEqual(channel["channel"]["peer"], ALICE)

    def test_ft_092_calls_without_rpcsec_gss_are_refused_each_time(self):
        for security in ("none", "sys"):
            with self.subTest(security=security):
                refused = self.results(security, "echo", 1, 2, 3, port=PORTS["krb5"], status=1)
                self.assertEqual(len(refused), 3)
                for each in refused:
                    self.assertIn("Client credential too weak", each["error"])

    def test_ft_092_less_than_the_least_service_is_refused_each_time(self):
        for security, least in (("krb5", "krb5i"), ("krb5", "krb5p"), ("krb5i", "krb5p")):
            with self.subTest(security=security, least=least):
                for each in self.results(security, "echo", 1, 2, port=PORTS[least], status=1):
                    self.assertIn("Client credential too weak", each["error"])

    def test_more_than_the_least_service_is_welcome(self):
        self.assertEqual(self.results("krb5p", "echo", 100, port=PORTS["krb5"]), [{"echo": 100}])

    def test_ft_094_another_service_within_a_context_is_refused(self):
        for first, then in (("krb5p", "krb5i"), ("krb5p", "krb5"), ("krb5", "krb5p")):
            with self.subTest(first=first, then=then):
                before, after = self.results(first, "change", tirpc.SERVICES[then][1], port=PORTS["krb5"], status=1)
                self.assertEqual(before, {"echo": 16})
                self.assertIn("Client credential too weak", after["error"])

    def test_another_program_or_version_is_not_there(self):
        for more, said in (({"program": tirpc.PROGRAM + 1}, "Program unavailable"),
                           ({"version": 2}, "Program/version mismatch; low version = 1, high version = 1")):
            with self.subTest(**more):
                refused, = self.results("krb5p", "echo", 1, status=1, **more)
                self.assertIn(said, refused["error"])

    def test_who_is_not_allowed_gets_no_context(self):
        done = self.client("krb5p", "who", user="bob")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("make a security context", done.stderr)

    def test_the_end_of_libtirpcs_client_is_authenticated(self):
        for security in PORTS:
            with self.subTest(security=security):
                told, = self.results(security, "who")
                asked_for = {"service": security, "stamp": told["who"]["stamp"]}
                verdict = eventually(lambda: self.answer("WhoIs", user="root", on="app1", **asked_for)["channel"].get("verdict"),
                                     what="the channel's end")
                self.assertEqual(verdict, "authenticated")

    def test_many_clients_are_served_at_once(self):
        command = self.command("krb5p", "rate", 200, 1000)
        clients = [self.start_on("client1", *command, user="alice", log="rate") for _ in range(8)]
        self.assertEqual([client.wait(30) for client in clients], [0] * 8)


class OurInitiator(Interop):
    """A program makes plain calls on a channel, which libtirpc's server gets under RPCSEC_GSS."""

    def calls(self, name, *verb, security="none", status=0):
        done = self.ctl("--quiet", "open", name, "--", *tirpc.client_command(3, security, *verb))
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return tirpc.results(done.stdout)

    def test_each_service_carries_every_size(self):
        for security in PORTS:
            with self.subTest(security=security):
                self.assertEqual(self.calls(security, "echo", *tirpc.SIZES), [{"echo": size} for size in tirpc.SIZES])

    def test_ft_093_the_server_sees_the_peer_and_the_service(self):
        for security, (protection, _) in tirpc.SERVICES.items():
            for flavor in ("none", "sys"):  # what the program says of itself goes no further
                with self.subTest(security=security, flavor=flavor):
                    self.assertEqual(self.calls(security, "who", security=flavor),
                                     [{"who": {"flavor": 6, "principal": ALICE, "service": protection}}])

    def test_many_calls_in_flight_are_answered_each(self):
        for security in PORTS:
            with self.subTest(security=security):
                caller = onc_rpc.Caller(self.open(security).socket, tirpc.PROGRAM, tirpc.VERSION)
                arguments = onc_rpc.opaque(os.urandom(500))
                numbers = [7919 * each % 2**32 for each in range(64)]
                caller.send(numbers, ECHO, arguments)
                self.assertEqual({caller.receive() for _ in numbers}, {(each, arguments) for each in numbers})

    def test_a_procedure_that_is_not_there_is_the_servers_answer(self):
        caller = onc_rpc.Caller(self.open("krb5p").socket, tirpc.PROGRAM, tirpc.VERSION)
        with self.assertRaises(onc_rpc.Refused) as refused:
            caller.call(99)
        self.assertEqual(refused.exception.args, ("accepted", 3))
        self.assertEqual(json.loads(caller.call(WHO)[4:].rstrip(b"\0"))["principal"], ALICE)

    def test_our_own_ends_carry_every_size(self):
        for security in PORTS:
            with self.subTest(security=security):
                self.assertEqual(self.calls(f"own-{security}", "echo", *tirpc.SIZES, 200_000),
                                 [{"echo": size} for size in [*tirpc.SIZES, 200_000]])

    def test_the_example_is_told_who_asks(self):
        done = self.run_on("client1", f"{host.BUILD}/bin/payroll_ask", "payroll", "bob", user="alice",
                           env={"LD_LIBRARY_PATH": f"{host.BUILD}/lib"})
        self.assertEqual((done.returncode, done.stdout), (0, f"{ALICE} asked: bob earns 3900\n"), done.stderr)

    def test_the_example_serves_nobody_but_mutuald(self):
        connected = self.connect("app1", f"{SOCKETS}/payroll.sock", user="bob")
        self.addCleanup(connected.close)
        connected.settimeout(15)
        with self.assertRaises((EOFError, OSError)):
            onc_rpc.Caller(connected, PAYROLL, 1).call(WHO)


del Interop

if __name__ == "__main__":
    main()
