# SPDX-License-Identifier: Apache-2.0
"""The example of a transport plugin, installed and named in the configuration as docs/plugin-guide.md says."""
import os
import shutil
import socket

import host
from harness import build_folder, eventually, main
from running import Running, rule, service, static_instances

ALICE, SPN = f"alice@{host.REALM}", f"ledger/{host.full_name('app1')}"
FOLDER = "/usr/local/lib/strange"
PLUGIN = f'[plugin.framed]\nkind = "transport"\npath = "{FOLDER}/framed.so"\n'


class ExampleTransport(Running):
    hosts = ["app1", "client1"]
    words = ("--transport", "framed")
    configurations = {
        "app1": PLUGIN + service("vault", service_class="ledger", transport="framed", allow={"principals": [ALICE]},
                                 accept={"spns": [SPN], "keytab": "/etc/mutuald/keytabs/ledger.keytab", "port": 7001,
                                         "deliver": "accept", "accept_users": ["ledger"]}),
        "client1": PLUGIN + static_instances({"class": "ledger", "host": host.full_name("app1"), "port": 7001,
                                              "transport": "framed"}) +
                   service("vault", service_class="ledger", discovery=["static"], transport="framed") +
                   rule("all", ["*"], users=["alice", "bob"])}

    @classmethod
    def prepare(cls):
        for name in cls.hosts:
            folder = cls.world.inside(name, FOLDER)
            os.makedirs(folder)
            shutil.copy(f"{build_folder()}/lib/framed.so", folder)

    def accepting(self):
        link = self.varlink("app1", user="ledger")
        self.addCleanup(link.close)
        link.send("org.mutuald.Broker.Accept", {"service": "vault"})
        return link

    def both(self):
        waiting = self.accepting()
        ours = self.open("vault")
        reply = waiting.receive()
        return ours, self.channel(reply.get("error", ""), reply["parameters"], waiting.fds)

    def verdict(self, channel, on, user):
        return self.answer("WhoIs", on=on, user=user, channel=channel["channel"])["channel"]["verdict"]

    def test_a_channel_carries_octets_and_each_direction_ends_by_itself(self):
        self.kinit("client1", "alice")
        ours, theirs = self.both()
        self.assertEqual(theirs["peer"], ALICE)
        ours.socket.sendall(b"question\n")
        ours.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(theirs.rest(), b"question\n")
        theirs.socket.sendall(b"answer\n")
        theirs.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(ours.rest(), b"answer\n")
        self.assertEqual(self.verdict(ours, "client1", "alice"), "authenticated")
        self.assertEqual(self.verdict(theirs, "app1", "ledger"), "authenticated")

    def test_whom_no_rule_admits_is_refused_without_a_last_token(self):
        self.kinit("client1", "bob")
        error, told = self.refused("Open", "vault", user="bob")
        self.assertEqual((error, told["stage"]), ("RefusedByPeer", "handshake"), told)

    def test_status_names_its_program(self):
        def is_ready():
            states = {part["name"]: part["state"] for part in self.answer("Status", user="root")["parts"]}
            return states.get("mutuald-channel@framed") in ("running", "ready")
        eventually(is_ready, 10, "mutuald-channel@framed, ready")


if __name__ == "__main__":
    main()
