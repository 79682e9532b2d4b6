# SPDX-License-Identifier: Apache-2.0
"""The death of each program under load: what lives on, what ends, and how soon everything works again."""
import contextlib
import os
import signal

import host
import ledger
import namespaces
from chain import DIRECT, Chain, children
from harness import eventually, main
from stream import Stream

# Reads the header, then sends back every octet.
ECHO = r"""
import os, socket, socketserver, sys
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        head = self.request.recv(16, socket.MSG_WAITALL)
        self.request.recv(int.from_bytes(head[14:16], "big"), socket.MSG_WAITALL)
        while data := self.request.recv(65536):
            self.request.sendall(data)
class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads, request_queue_size = True, 128
with Server(sys.argv[1], Echo) as server:
    os.chmod(sys.argv[1], 0o666)
    server.serve_forever()
"""
ECHO_SOCKET = "/run/ledger/echo.sock"


class Deaths(Chain):
    client = ledger.client_config(more=DIRECT + f"""
[service.waiting]
class = "ledger"
realm = "{host.REALM}"
discovery = ["static"]
trust = {{ hosts = [".{host.DOMAIN}"] }}
keywords = ["waiting"]
[[plugin.static.options.instances]]
class = "ledger"
keywords = ["waiting"]
host = "{host.full_name('app1')}"
port = 7001
""")
    server = ledger.server_config().replace(ledger.SOCKET, ECHO_SOCKET) + f"""
[service.waiting]
realm = "{host.REALM}"
[service.waiting.accept]
spns = ["ledger/{host.full_name('app1')}"]
keytab = "/etc/mutuald/keytabs/ledger.keytab"
port = 7001
deliver = "accept"
accept_users = ["bob"]
allow = {{ principals = ["alice@{host.REALM}"] }}
"""

    @classmethod
    def before_start(cls):
        folder = cls.world.inside("app1", os.path.dirname(ECHO_SOCKET))
        os.makedirs(folder, exist_ok=True)
        os.chown(folder, host.ACCOUNTS["ledger"], host.ACCOUNTS["ledger"])
        cls.programs.start_on("app1", "/usr/bin/python3", "-B", "-c", ECHO, ECHO_SOCKET, user="ledger", log="echo")
        eventually(lambda: os.path.exists(cls.world.inside("app1", ECHO_SOCKET)), what="the echo server")

    def setUp(self):
        self.kinit("client1", "alice")
        eventually(lambda: self.offered() and self.offered("waiting"), 15, "the services, offered")
        eventually(self.opens, 15, "a channel")

    def stream(self):
        link = self.varlink("client1", user="alice")
        with contextlib.closing(link):
            reply = link.call("org.mutuald.Broker.Open", {"request": {"service": "direct"}})
        self.assertNotIn("error", reply)
        made = Stream(link.fds[0])
        made.channel = reply["parameters"]["channel"]
        self.addCleanup(made.finish)
        made.flows()
        return made

    def kill(self, name, program):
        """Kills a program of a host and waits until another one answers in its place."""
        pid = self.pids(name)[program]
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not os.path.exists(f"/proc/{pid}"), what="its end")
        return pid

    def works_again(self, bound=8.0):
        """Opens again within the bound, whatever died; prints how long that took."""
        with self.within(bound + 1):
            eventually(self.opens, bound, "a channel after the death")

    def test_a_channel_program_that_dies_at_the_client_ends_its_channels_and_no_others(self):
        streams = [self.stream() for _ in range(3)]
        self.kill("client1", "mutuald-channel")
        self.works_again()
        for each in streams:
            self.assertTrue(each.ends(), "the end of a dead channel was not shown")
        self.assertTrue(self.stream().finish())

    def test_a_channel_program_that_dies_at_the_server_is_offered_again(self):
        streams = [self.stream() for _ in range(3)]
        self.kill("app1", "mutuald-channel")
        self.works_again()
        for each in streams:
            self.assertTrue(each.ends(), "the end of a dead channel was not shown")
        eventually(lambda: self.offered("waiting"), 5, "the other service, offered again")

    def test_a_dying_keys_program_costs_no_live_channel(self):
        streams = [self.stream() for _ in range(2)]
        for name in ("app1", "client1"):
            self.kill(name, "mutuald-keys")
            self.works_again()
            for each in streams:
                each.flows()
        self.assertTrue(all([each.finish() for each in streams]), "a stream lost octets")
        self.assertTrue(self.offered())

    def test_a_dying_plugin_program_costs_no_live_channel(self):
        self.publish_scp()
        stream = self.stream()
        self.kill("client1", "mutuald-plugin")
        self.works_again()
        eventually(lambda: self.opens("ledger"), 10, "a channel by the directory")
        self.assertTrue(stream.finish())

    def test_a_dying_finder_costs_nothing_that_waits(self):
        plugin = self.pids()["mutuald-plugin"]
        before = children(plugin)
        for finder in before:
            os.kill(finder, signal.SIGKILL)
        eventually(self.opens, 5, "a channel")
        self.request("ledger", host="nobody.mutual.test")  # no cache knows of it: it takes a finder
        eventually(lambda: children(plugin) and not before & children(plugin), what="new finders")
        self.assertEqual(self.pids()["mutuald-plugin"], plugin)

    def test_live_channels_do_not_notice_the_death_of_a_broker(self):
        streams = [self.stream() for _ in range(2)]
        for name in ("app1", "client1"):
            dead = self.kill(name, "mutuald")
            for each in streams:
                each.flows()
            self.assertNotEqual(self.pids(name)["mutuald"], dead)
        self.works_again()
        self.assertEqual({each.channel for each in streams} - self.listed(), set())
        self.assertTrue(all([each.finish() for each in streams]), "a stream lost octets")

    def listed(self, user="alice"):
        link = self.varlink("client1", user=user)
        with contextlib.closing(link):
            return {each["channel"] for each in link.call("org.mutuald.Broker.ListChannels")["parameters"]["channels"]}

    def test_programs_accept_again_after_the_death_of_a_broker(self):
        command = [f"{host.BUILD}/bin/mutualctl", "accept", "--once", "waiting", "--", "/bin/true"]
        waiting = self.start_on("app1", *command, user="bob", log="accept")
        eventually(lambda: self.bob_is_connected(), what="a program that waits in Accept")
        self.kill("app1", "mutuald")
        eventually(lambda: self.opens("waiting"), 10, "a channel to the program that waited")
        self.assertEqual(waiting.wait(10), 0)

    def bob_is_connected(self):
        """Whether his program holds a connection."""
        return "mutualctl" in self.must("app1", "ss", "-xpnH", "state", "established")


class Launcher(Chain):
    """The end of the launcher is the end of all of it."""

    def programs_of(self, name):
        """All processes of mutuald on a host, by their executable."""
        own = os.stat(f"/proc/{self.world.pids[name]}/ns/net").st_ino
        found = {}
        for pid in namespaces.processes_of(self.world.mark):
            with contextlib.suppress(OSError):
                if os.stat(f"/proc/{pid}/ns/net").st_ino == own:
                    found[pid] = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
        return {pid: program for pid, program in found.items() if program.startswith("mutuald")}

    def restart(self):
        self.assertEqual(self.programs_of("client1"), {})
        self.launcher["client1"] = self.programs.start_mutuald("client1")
        self.kinit("client1", "alice")
        eventually(self.opens, 10, "a channel after the restart")

    def test_a_terminated_launcher_leaves_nothing(self):
        self.kinit("client1", "alice")
        self.opened()
        self.assertGreater(len(self.programs_of("client1")), 5)
        self.launcher["client1"].terminate()
        self.assertEqual(self.launcher["client1"].wait(10), 0)
        self.assertEqual(self.programs_of("client1"), {})
        self.assertEqual(os.listdir(self.world.inside("client1", "/run/mutuald")), [])
        self.restart()

    def test_the_programs_of_a_killed_launcher_end(self):
        self.kinit("client1", "alice")
        self.opened()
        self.launcher["client1"].kill()
        self.launcher["client1"].wait(10)
        eventually(lambda: not self.programs_of("client1"), what="the end of the programs")
        self.restart()


if __name__ == "__main__":
    main()
