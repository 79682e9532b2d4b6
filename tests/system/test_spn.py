# SPDX-License-Identifier: Apache-2.0
"""Service principal names end to end: composed from what was published, asked of the KDC, proved from the keytab."""
import os

import directory
import host
import kerberos
import keytab
from harness import main
from running import Running, rule, service, static_instances

ALICE, APP1, KEYTABS = "alice@MUTUAL.TEST", "app1.mutual.test", "/etc/mutuald/keytabs"
BOOKS_WORD, PORT_WORD = "books-in-the-directory", "named-by-port"
COMMA, BACKSLASH = kerberos.DN_WITH_COMMA, kerberos.DN_WITH_BACKSLASH_AND_AT
# As this directory spells the distinguished names of entries that were added as cn=books\,2026 and cn=a\\b@c.
READ_BACK = [rf"cn=books\2C2026,{directory.SERVICES}", rf"cn=a\5Cb@c,{directory.SERVICES}"]
WRITTEN = [r"books\,2026", r"a\\b@c"]
PORTS = {"books": 7010, "published": 7011, "by-port": 7012, "two-part": 7013, "impostor": 7014}


def three_parts(dn):
    return f"ledger/{APP1}/{dn}"


def offered(name, spns, file):
    return service(name, service_class="ledger", allow={"principals": [ALICE]},
                   accept={"spns": spns, "keytab": f"{KEYTABS}/{file}.keytab", "port": PORTS[name], "deliver": "accept",
                           "accept_users": ["ledger"]})


SERVER = (offered("books", [three_parts(COMMA), three_parts(BACKSLASH)], "ledger-books")
          + offered("published", [three_parts(dn) for dn in READ_BACK], "published")
          + offered("by-port", [f"ledger/{APP1}:{PORTS['by-port']}"], "published")
          + offered("two-part", [f"ledger/{APP1}"], "ledger")
          + offered("impostor", [three_parts(COMMA)], "ledger-books"))


def opens(name, spn, plugin="static", word=None, **more):
    return service(name, service_class="ledger", discovery=[plugin], keywords=[word or name], spn=spn, **more)


CLIENT = (
    f'[identity.search]\nkeytab = "{KEYTABS}/mutual-search.keytab"\nprincipal = "mutual-search@{host.REALM}"\n'
    '[plugin.scp]\nidentity = "search"\n[plugin.scp.options]\nservers = ["ldap://dc.mutual.test"]\n'
    + static_instances(
        *[{"class": "ledger", "host": APP1, "port": PORTS["books"], "keywords": [word], "service_name": dn}
          for word, dn in (("comma", COMMA), ("backslash", BACKSLASH), ("stranger", "cn=never registered,dc=test"))],
        {"class": "ledger", "host": APP1, "port": PORTS["impostor"], "keywords": ["impostor"]},
        {"class": "ledger", "host": APP1, "port": PORTS["two-part"], "keywords": ["two-part"], "service_name": COMMA},
        {"class": "ledger", "host": "10.77.0.11", "port": PORTS["two-part"], "keywords": ["address"]})
    + "".join(opens(name, "three-part") for name in ("comma", "backslash", "stranger"))
    + opens("two-part", "host") + opens("address", "host") + opens("impostor", "host")
    + opens("published", "three-part", "scp", BOOKS_WORD, base=directory.SUFFIX, trust={"three_part": True})
    + opens("unreasonable", "three-part", "scp", BOOKS_WORD, base=directory.SUFFIX, trust={"hosts": ["app2.mutual.test"]})
    + opens("by-port", "host-port", "scp", PORT_WORD, base=directory.SUFFIX, trust={"base": directory.SERVICES})
    + opens("by-host", "host", "scp", PORT_WORD, base=directory.SUFFIX, trust={"base": directory.SERVICES})
    + rule("all", ["*"], users=["alice"]))


class Names(Running):
    hosts = ["app1", "client1"]
    configurations = {"app1": SERVER, "client1": CLIENT}

    @classmethod
    def prepare(cls):
        """Registers the names of what is published, as an administrator of the realm does, with keys for app1."""
        components = [["ledger", APP1, dn] for dn in READ_BACK] + [["ledger", f"{APP1}:{PORTS['by-port']}"]]
        names = ['"' + keytab.unparse(each) + '"' for each in components]
        path = cls.world.keytab("app1", "published")
        kerberos.batch(cls.world, [f"addprinc -randkey {name}" for name in names]
                       + [f"ktadd -norandkey -k {path} {' '.join(names)}"])
        os.chown(path, 0, host.GROUPS["mutuald-keys"])
        os.chmod(path, 0o640)
        for name in WRITTEN:
            directory.publish(cls.world, name, "app1", PORTS["published"], keyword=[BOOKS_WORD])
        directory.publish(cls.world, "by-port", "app1", PORTS["by-port"], keyword=[PORT_WORD])

    def setUp(self):
        self.kinit("client1", "alice")

    def both_ends(self, opened_as, accepted_as, **narrow):
        waiting = self.varlink("app1", user="ledger")
        self.addCleanup(waiting.close)
        waiting.send("org.mutuald.Broker.Accept", {"service": accepted_as})
        ours = self.open(opened_as, **narrow)
        return ours, self.channel("", waiting.receive()["parameters"], waiting.fds)

    def tickets(self):
        """What the KDC gave alice, component by component as klist shows it."""
        return self.must("client1", "klist", user="alice")

    def test_ft_016_ft_021_a_dn_with_comma_backslash_and_at_is_proved_as_the_third_part(self):
        for name, dn in (("comma", COMMA), ("backslash", BACKSLASH)):
            with self.subTest(dn=dn):
                ours, theirs = self.both_ends(name, "books")
                principal = keytab.unparse(["ledger", APP1, dn], host.REALM)
                self.assertEqual(ours["spn"], three_parts(dn))
                self.assertEqual((ours["peer"], theirs["self"]), (principal, principal))
                ours.socket.sendall(b"the books\n")
                self.assertEqual(theirs.line(), "the books\n")
                self.assertIn(principal, self.tickets())

    def test_ft_018_a_published_connection_point_gives_class_host_and_its_own_dn(self):
        found = self.request("Find", "published")["candidates"]
        self.assertEqual({each["source"] for each in found}, set(READ_BACK))
        for each in found:
            self.assertEqual(each["spn"], three_parts(each["source"]))
            self.assertEqual(each["principal"], keytab.unparse(["ledger", APP1, each["source"]], host.REALM))
            self.assertEqual(each["port"], PORTS["published"])

    def test_ft_018_the_port_stands_in_the_name_only_where_the_definition_says_so(self):
        (by_port,) = self.request("Find", "by-port")["candidates"]
        (by_host,) = self.request("Find", "by-host")["candidates"]
        self.assertEqual((by_port["spn"], by_host["spn"]), (f"ledger/{APP1}:7012", f"ledger/{APP1}"))
        self.assertEqual((by_port["port"], by_host["port"]), (7012, 7012))
        ours, theirs = self.both_ends("by-port", "by-port")
        self.assertEqual((ours["spn"], theirs["spn"]), (f"ledger/{APP1}:7012", f"ledger/{APP1}:7012"))

    def test_ft_019_ft_021_both_sides_compose_the_same_name_from_the_published_object(self):
        seen = set()
        for instance in self.request("Find", "published")["candidates"]:
            ours, theirs = self.both_ends("published", "published", instance=self.guid(instance["source"]))
            self.assertEqual((ours["spn"], theirs["spn"]), (instance["spn"], instance["spn"]))
            self.assertEqual(ours["peer"], theirs["self"])
            seen.add(ours["spn"])
        self.assertEqual(seen, {three_parts(dn) for dn in READ_BACK})

    def guid(self, dn):
        entry = self.must("client1", "ldapsearch", "-Q", "-LLL", "-Y", "GSSAPI", "-b", dn, "entryUUID", user="alice")
        return entry.split("entryUUID: ")[1].split()[0]

    def test_ft_021_a_three_part_name_is_trusted_only_when_the_definition_says_why(self):
        plan = self.request("Plan", "published")
        self.assertEqual({each["reason"] for each in plan["candidates"]},
                         {"only administrators register three-part SPNs (trust.three_part)"})
        error, reply = self.refused("Open", "unreasonable")
        self.assertEqual((error, reply["stage"]), ("Untrusted", "trust"))

    def test_a_name_that_nobody_registered_is_unknown_to_the_kdc(self):
        error, reply = self.refused("Open", "stranger")
        self.assertEqual((error, reply["stage"]), ("UnknownTarget", "credentials"))
        self.assertIn(f"ledger/{APP1}/cn=never registered", reply["message"])

    def test_ft_020_the_third_part_is_not_used_where_the_definition_wants_two(self):
        ours, theirs = self.both_ends("two-part", "two-part")
        self.assertEqual((ours["spn"], theirs["spn"]), (f"ledger/{APP1}", f"ledger/{APP1}"))

    def test_ft_020_a_peer_that_holds_another_name_of_its_host_proves_nothing(self):
        waiting = self.varlink("app1", user="ledger")  # so that nothing but the name stands in the way
        self.addCleanup(waiting.close)
        waiting.send("org.mutuald.Broker.Accept", {"service": "impostor"})
        error, reply = self.refused("Open", "impostor")
        self.assertIn(error, ("RefusedByPeer", "WrongPeer"))
        self.assertEqual(reply["stage"], "handshake")

    def test_an_address_is_no_name(self):
        error, reply = self.refused("Open", "address")
        self.assertEqual(error, "Untrusted")
        self.assertIn("an address (10.77.0.11) cannot stand in an SPN", reply["message"])


if __name__ == "__main__":
    main()
