# SPDX-License-Identifier: Apache-2.0
"""The realm itself: what the other system tests stand on."""
import os
import subprocess
import unittest

import directory
import kerberos
import keytab
import namespaces
import step
import world as realm
from harness import World, build_folder, eventually, main

BY_KEYWORD = f"(&(objectClass=serviceConnectionPoint)(keywords={directory.LEDGER_KEYWORD.upper()}))"


def search(*attributes, url="ldap://dc.mutual.test"):
    return ["ldapsearch", "-Q", "-LLL", "-o", "ldif-wrap=no", "-Y", "GSSAPI", "-H", url, BY_KEYWORD, *attributes]


class Realm(World):
    hosts = ["app1", "client1", "rogue"]

    def test_alice_gets_a_ticket_that_only_she_can_read(self):
        self.kinit("client1", "alice")
        self.assertIn("alice@MUTUAL.TEST", self.must("client1", "klist", user="alice"))
        self.assertNotEqual(self.run_on("client1", "cat", "/tmp/krb5cc_1001", user="bob").returncode, 0)

    def test_a_short_ticket_is_short(self):
        self.kinit("client1", "alice", lifetime="1s")
        eventually(lambda: self.run_on("client1", "klist", "-s", user="alice").returncode == 1, what="the ticket's end")

    def test_three_part_principals_are_issued_and_kept_component_by_component(self):
        self.kinit("client1", "alice")
        for dn in (kerberos.DN_WITH_COMMA, kerberos.DN_WITH_BACKSLASH_AND_AT):
            principal = keytab.unparse(["ledger", "app1.mutual.test", dn])
            said = self.must("client1", "kvno", "-k", self.world.keytab("app1", "ledger-books"), principal,
                             env={"KRB5CCNAME": "FILE:/tmp/krb5cc_1001"})
            self.assertIn("keytab entry valid", said)

    def test_the_wrong_key_is_wrong(self):
        self.kinit("client1", "alice")
        ask = ["kvno", "-k", self.world.keytab("app1", "ledger-wrong-key"), "ledger/app1.mutual.test"]
        done = self.run_on("client1", *ask, env={"KRB5CCNAME": "FILE:/tmp/krb5cc_1001"})
        self.assertIn("keytab entry invalid", done.stdout + done.stderr)

    def test_a_search_by_keyword_over_gssapi_finds_the_scp(self):
        dn = self.publish_scp(port=7000)
        self.kinit("client1", "alice")
        found = self.must("client1", *search(), user="alice")
        self.assertIn(f"dn: {dn}\n", found)
        self.assertIn("serviceBindingInformation: 7000\n", found)

    def test_the_global_catalog_hides_the_three_attributes(self):
        self.publish_scp()
        self.kinit("client1", "alice")
        found = self.must("client1", *search(url=directory.CATALOG), user="alice")
        self.assertIn("serviceBindingInformation", found)
        for attribute in directory.NOT_IN_CATALOG.split(","):
            self.assertNotIn(attribute + ":", found)

    def test_nobody_reads_the_directory_anonymously(self):
        done = self.run_on("client1", "ldapsearch", "-x", "-LLL", "-b", directory.SUFFIX)
        self.assertNotIn("dn:", done.stdout)
        self.assertNotEqual(done.returncode, 0)

    def test_a_domain_member_publishes_below_its_own_object_and_nowhere_else(self):
        self.publish_scp(on="rogue", as_host="rogue")
        for parent in (directory.SERVICES, f"cn=app1,{directory.HOSTS}"):
            with self.assertRaisesRegex(step.Failed, "Insufficient access"):
                self.publish_scp(name="mine", on="rogue", as_host="rogue", below=parent)

    def test_accounts_and_names_are_the_hosts_own(self):
        self.assertEqual(self.must("app1", "hostname").strip(), "app1.mutual.test")
        self.assertEqual(self.must("app1", "id", "-u", "mutuald-keys").strip(), "901")
        self.assertIn("910(mutuald-admin)", self.must("app1", "id", user="carol"))
        self.assertEqual(self.must("app1", "id", "-un", user="alice").strip(), "alice")
        self.assertFalse(os.path.exists("/etc/mutuald"))

    def test_a_black_hole_swallows_and_gives_back(self):
        connect = ["bash", "-c", "echo >/dev/tcp/10.77.0.1/389"]
        with self.blackhole("client1", "dc"):
            self.assertEqual(self.run_on("client1", "timeout", "0.5", *connect).returncode, 124)
            self.assertEqual(self.run_on("app1", *connect).returncode, 0)
        self.assertEqual(self.run_on("client1", *connect).returncode, 0)

    def test_a_stopped_kdc_refuses_and_comes_back(self):
        self.kinit("client1", "alice")
        ask = ["kvno", "host/rogue.mutual.test"]
        with self.stopped("kdc"):
            self.assertIn("Cannot contact any KDC", self.run_on("client1", *ask, user="alice").stderr)
        self.must("client1", *ask, user="alice")

    def test_a_frozen_directory_hangs_and_comes_back(self):
        ask = ["ldapsearch", "-x", "-b", "", "-s", "base"]
        with self.frozen("slapd"):
            self.assertEqual(self.run_on("client1", "timeout", "0.5", *ask).returncode, 124)
        self.must("client1", *ask)

    def test_a_socket_sees_the_user_who_connected(self):
        server = ("import socket,struct; s=socket.socket(socket.AF_UNIX); s.bind('/run/t.sock'); s.listen(); "
                  "__import__('os').chmod('/run/t.sock',0o666); c,_=s.accept(); "
                  "c.send(b'%d' % struct.unpack('3i', c.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1])")
        self.start_on("app1", "python3", "-c", server, log="peercred")
        connected = eventually(self._connects_as_alice, what="the server")
        with connected:
            self.assertEqual(connected.recv(16), b"1001")

    def _connects_as_alice(self):
        try:
            return self.connect("app1", "/run/t.sock", "alice")
        except OSError:
            return None


def _mounts():
    with open("/proc/self/mounts") as file:
        return file.read()


class LifeOfARealm(unittest.TestCase):
    def setUp(self):
        self.folders = [f"{build_folder()}/realms/life-{number}" for number in (1, 2)]
        os.makedirs(f"{build_folder()}/realms", exist_ok=True)
        for folder in self.folders:
            self.addCleanup(realm.down, folder)

    def test_two_realms_live_side_by_side_and_leave_nothing(self):
        mounts = _mounts()
        worlds = [realm.up(folder, ["client1"]) for folder in self.folders]
        for world in worlds:
            kerberos.kinit(world, "client1", "alice")
        stray = subprocess.Popen(worlds[0].command("client1", "alice", ["sleep", "1000"]))
        realm.down(self.folders[0])
        self.assertIsNotNone(stray.wait(5))
        kerberos.kinit(worlds[1], "client1", "bob")
        realm.down(self.folders[1])
        for world in worlds:
            self.assertEqual(namespaces.processes_of(world.mark), [])
            self.assertFalse(os.path.exists(world.folder))
        self.assertEqual(_mounts(), mounts)

    def test_up_cleans_what_a_killed_run_left(self):
        first = realm.up(self.folders[0], ["client1"])
        second = realm.up(self.folders[0], ["client1"])
        self.assertFalse(set(first.pids.values()) & set(namespaces.processes_of(second.mark)))

    def test_a_folder_that_is_no_realm_is_not_touched(self):
        os.makedirs(self.folders[0])
        self.addCleanup(os.rmdir, self.folders[0])
        precious = f"{self.folders[0]}/precious"
        open(precious, "w").close()
        self.addCleanup(os.unlink, precious)
        with self.assertRaisesRegex(step.Failed, "not touched"):
            realm.up(self.folders[0])
        self.assertTrue(os.path.exists(precious))

    def test_a_failed_stage_names_its_command_and_shows_its_log(self):
        with self.assertRaisesRegex(step.Failed, r"(?s)ask failed.*command: false.*\| what the log says"):
            log = f"{build_folder()}/realms/a.log"
            self.addCleanup(os.unlink, log)
            with open(log, "w") as file:
                file.write("what the log says\n")
            step.ready("ask", ["false"], log, bound=0.05)

    def test_a_realm_costs_little(self):
        """Processor time, because a busy machine says nothing about us: 0.8 s here, where bringing up takes 0.8 s."""
        before = os.times()
        realm.up(self.folders[0], ["app1", "client1", "rogue"])
        after = os.times()
        self.assertLess(sum(after[:4]) - sum(before[:4]), 4)


if __name__ == "__main__":
    main()
