# SPDX-License-Identifier: Apache-2.0
"""Delivery to a server written for knc: it reads KEY:VALUE lines up to END, then the channel's octets."""
import os
import socket

import gssapi.raw as gss

import gss_peer
import host
from harness import main
from running import Running, rule, service, static_instances

SPN = f"ledger/{host.full_name('app1')}"
SOCKET = "/run/knc-server.sock"
KEYS = ["MECH", "CREDS", "EXPORT_NAME", "REMOTE_IP", "REMOTE_ADDR", "REMOTE_PORT", "VERSION"]


class KncServer(Running):
    hosts = ["app1", "client1"]
    configurations = {
        "app1": service("books", service_class="ledger", allow={"realms": [host.REALM]},
                        accept={"spns": [SPN], "keytab": "/etc/mutuald/keytabs/ledger.keytab", "port": 7000,
                                "deliver": "unix", "socket": SOCKET, "header": "knc"}),
        "client1": static_instances({"class": "ledger", "host": host.full_name("app1"), "port": 7000}) +
                   service("books", service_class="ledger", discovery=["static"],
                           trust={"hosts": [host.full_name("app1")]}) + rule("all", ["*"], users=["alice"])}

    @classmethod
    def prepare(cls):
        cls.server = socket.socket(socket.AF_UNIX)
        cls.addClassCleanup(cls.server.close)
        path = cls.world.inside("app1", SOCKET)
        cls.server.bind(path)
        os.chmod(path, 0o666)
        cls.server.listen(8)
        cls.server.settimeout(15)

    def setUp(self):
        self.kinit("client1", "alice")

    def served(self):
        """The next connection: its lines as pairs, and the file that goes on behind them."""
        connected, _ = self.server.accept()
        self.addCleanup(connected.close)
        connected.settimeout(15)
        stream = connected.makefile("rwb")
        self.addCleanup(stream.close)
        pairs = []
        while (line := stream.readline()) != b"END\n":
            key, _, value = line.decode("ascii").removesuffix("\n").partition(":")
            pairs.append((key, value))
        return pairs, stream

    def test_a_server_written_for_knc_learns_who_its_peer_is_and_then_gets_the_channel(self):
        ours = self.open("books")
        pairs, stream = self.served()
        told = dict(pairs)
        self.assertEqual([key for key, _ in pairs], KEYS)
        self.assertEqual((told["MECH"], told["CREDS"]), ("krb5", f"alice@{host.REALM}"))
        self.assertEqual((told["REMOTE_IP"], told["REMOTE_ADDR"]), (host.ADDRESSES["client1"],) * 2)
        self.assertRegex(told["REMOTE_PORT"], "^[1-9][0-9]*$")
        self.assertRegex(told["VERSION"], "^mutuald-[0-9.]+$")
        ours.socket.sendall(b"KEY:no line of yours\nEND\n")
        self.assertEqual(stream.readline() + stream.readline(), b"KEY:no line of yours\nEND\n")
        stream.write(b"answer\n")
        stream.flush()
        self.assertEqual(ours.line(), "answer\n")

    def test_the_exported_name_is_the_one_that_the_kerberos_library_exports(self):
        self.open("books")
        told = dict(self.served()[0])
        name = gss.import_name(f"alice@{host.REALM}".encode(), gss.NameType.kerberos_principal)
        exported = gss.export_name(gss.canonicalize_name(name, gss_peer.KERBEROS))
        self.assertEqual(told["EXPORT_NAME"], exported.hex().upper())


if __name__ == "__main__":
    main()
