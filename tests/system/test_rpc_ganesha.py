# SPDX-License-Identifier: Apache-2.0
"""Transport `oncrpc` against NFS-Ganesha's own RPCSEC_GSS (libntirpc): NFS version 4 under each of its services."""
import os
import struct

import host
import kerberos
import onc_rpc
from harness import eventually, main
from running import Running, rule, service, static_instances

PROGRAM, VERSION, PORT = 100003, 4, 2049
NULL, COMPOUND = 0, 1
PUTROOTFH, GETATTR = 24, 9
TYPE, DIRECTORY = 1, 2  # an attribute (the first word's second bit), and its value
PROTECTIONS = ("none", "integrity", "privacy")
FOLDER = "/run/ganesha"
KEYTAB = "/etc/mutuald/keytabs/nfs.keytab"
CONFIGURATION = f"""
NFS_CORE_PARAM {{ Protocols = 4; NFS_Port = {PORT}; Enable_NLM = false; Enable_RQUOTA = false; Enable_UDP = None; }}
NFS_KRB5 {{ PrincipalName = "nfs@{host.full_name('app1')}"; KeytabPath = {KEYTAB}; Active_krb5 = true; CCacheDir = {FOLDER}; }}
NFSv4 {{ Graceless = true; }}
EXPORT {{ Export_Id = 1; Path = /books; Pseudo = /books; Access_Type = RO; SecType = krb5, krb5i, krb5p; FSAL {{ Name = MEM; }} }}
"""
INITIATOR = static_instances({"class": "nfs", "host": host.full_name("app1"), "port": PORT}) + "".join(
    service(f"nfs-{protection}", service_class="nfs", transport="oncrpc", discovery=["static"],
            rpc={"program": PROGRAM, "versions": [VERSION], "protection": protection}) for protection in PROTECTIONS)


class Ganesha(Running):
    configurations = {"client1": INITIATOR + rule("alice-reads", ["*"], users=["alice"])}

    @classmethod
    def prepare(cls):
        principal = f"nfs/{host.full_name('app1')}"
        kerberos.batch(cls.world, [f"addprinc -randkey {principal}",
                                   f"ktadd -norandkey -k {cls.world.keytab('app1', 'nfs')} {principal}"])
        for folder in (FOLDER, "/var/lib/nfs/ganesha"):
            os.makedirs(cls.world.inside("app1", folder), exist_ok=True)
        with open(cls.world.inside("app1", f"{FOLDER}/ganesha.conf"), "w") as file:
            file.write(CONFIGURATION)
        cls.daemons.start_rpcbind("app1")
        ganesha = cls.daemons.start_on("app1", "ganesha.nfsd", "-F", "-f", f"{FOLDER}/ganesha.conf", "-L", "STDOUT", "-p",
                                       f"{FOLDER}/pid", log="ganesha")

        def listens():
            if ganesha.poll() is not None:
                raise AssertionError(f"ganesha.nfsd ended with {ganesha.returncode}")
            return f":{PORT} " in cls.daemons.must("app1", "ss", "-tlnH")
        eventually(listens, 60, "NFS-Ganesha, listening")

    def setUp(self):
        self.kinit("client1", "alice")

    def opened(self, protection):
        channel = self.open(f"nfs-{protection}")
        return channel, onc_rpc.Caller(channel.socket, PROGRAM, VERSION)

    def test_each_service_carries_calls_and_the_end_is_authenticated(self):
        for protection in PROTECTIONS:
            with self.subTest(protection=protection):
                channel, caller = self.opened(protection)
                self.assertEqual(caller.call(NULL), b"")
                arguments = onc_rpc.opaque(b"") + struct.pack(">6I", 0, 2, PUTROOTFH, GETATTR, 1, 1 << TYPE)
                answer = struct.unpack(">11I", caller.call(COMPOUND, arguments))
                self.assertEqual(answer, (0, 0, 2, PUTROOTFH, 0, GETATTR, 0, 1, 1 << TYPE, 4, DIRECTORY))
                channel.socket.shutdown(1)
                self.assertEqual(channel.rest(), b"")
                told = self.answer("WhoIs", user="root", channel=channel["channel"])["channel"]
                self.assertEqual((told["verdict"], told["calls"]), ("authenticated", 2))

    def test_many_calls_in_flight_are_answered_each(self):
        _, caller = self.opened("privacy")
        numbers = range(64)
        caller.send(numbers, NULL)
        self.assertEqual({caller.receive() for _ in numbers}, {(each, b"") for each in numbers})


if __name__ == "__main__":
    main()
