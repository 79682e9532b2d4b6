# SPDX-License-Identifier: Apache-2.0
"""Transport `oncrpc` against MIT's own RPCSEC_GSS (libgssrpc): kadmin calls mutuald on app1, which calls kadmind."""
import os

import host
import kerberos
from harness import eventually, main
from running import Running, rule, service, static_instances

PROGRAM, VERSION = 2112, 2
PORT = 7206
FOLDER = "/run/gate"
KADMIN = "kadmin/admin"  # the server's name for every kadmin
ADMINISTRATOR = f"{kerberos.ADMINISTRATOR}@{host.REALM}"
# Carries plain calls from the one who connects to the channel on descriptor 3, and the replies back.
GATE = """
import os, socket, sys, threading
def carry(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass
server = socket.socket(socket.AF_UNIX)
os.umask(0)
server.bind(sys.argv[1])
server.listen(1)
caller, channel = server.accept()[0], socket.socket(fileno=3)
threading.Thread(target=carry, args=(caller, channel)).start()
carry(channel, caller)
"""
RPC = {"program": PROGRAM, "versions": [VERSION], "protection": "privacy"}


def definition(name, **more):
    return service(name, service_class="kadmin", transport="oncrpc", discovery=["static"], keywords=[name], **more)


APP1 = (static_instances({"class": "kadmin", "host": host.full_name("dc"), "port": 749, "keywords": ["kadmind"]})
        + definition("kadmind", rpc=RPC)
        + definition("gate", rpc=RPC, allow={"principals": [ADMINISTRATOR]},
                     accept={"spns": [KADMIN], "keytab": "/etc/mutuald/keytabs/kadmin.keytab", "port": PORT, "deliver": "unix",
                             "socket": f"{FOLDER}/gate.sock", "socket_user": "ledger", "header": "none",
                             "rpc": {"register": False}})
        + rule("the-gate", ["kadmind"], users=["ledger"]))


class Kadmin(Running):
    configurations = {"app1": APP1}
    options = {"kadmind": True}

    @classmethod
    def prepare(cls):
        keytab = cls.world.keytab("app1", "kadmin")
        kerberos.batch(cls.world, [f"addprinc -randkey kadmin/{host.full_name('dc')}",
                                   f"ktadd -norandkey -k {keytab} {KADMIN}"])
        os.chown(keytab, 0, host.GROUPS["mutuald-keys"])
        os.chmod(keytab, 0o640)
        folder = cls.world.inside("app1", FOLDER)
        os.makedirs(folder)
        os.chown(folder, host.ACCOUNTS["ledger"], host.ACCOUNTS["ledger"])

    def setUp(self):
        done = self.run_on("app1", "kinit", kerberos.ADMINISTRATOR, user="ledger",
                           input=kerberos.password(kerberos.ADMINISTRATOR) + "\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.start_on("app1", f"{host.BUILD}/bin/mutualctl", "--quiet", "open", "kadmind", "--", "/usr/bin/python3", "-c", GATE,
                      f"{FOLDER}/gate.sock", user="ledger", log="gate")
        eventually(lambda: os.path.exists(self.world.inside("app1", f"{FOLDER}/gate.sock")), bound=20, what="the gate")

    def test_kadmin_manages_a_principal_through_both_of_our_ends(self):
        done = self.run_on("client1", "kadmin", "-s", f"{host.full_name('app1')}:{PORT}", "-p", kerberos.ADMINISTRATOR, "-w",
                           kerberos.password(kerberos.ADMINISTRATOR),
                           input="addprinc -randkey visitor\ngetprinc visitor\ndelprinc -force visitor\nlistprincs\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"Principal: visitor@{host.REALM}", done.stdout)
        self.assertIn("Last modified: ", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^krbtgt/")
        self.assertNotRegex(done.stdout, r"(?m)^visitor@")
        self.assertIn(f"admitted {ADMINISTRATOR}", self.log_of("app1", "mutuald"))


if __name__ == "__main__":
    main()
