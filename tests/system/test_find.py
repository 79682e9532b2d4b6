# SPDX-License-Identifier: Apache-2.0
"""Discovery as requests use it: which instance is found, which one is trusted, which one is tried next."""
import directory
import host
import ledger
from harness import eventually, main
from running import Running, rule, service

KEYWORD = directory.LEDGER_KEYWORD
ALICE = "alice@MUTUAL.TEST"
KEYTABS = "/etc/mutuald/keytabs"
DEAD, STRICT, WRONG_KEY, OTHER_NAME = 7001, 7002, 7003, 7004


def spn(name):
    return f"ledger/{host.full_name(name)}"


def plugin(name, server, more=""):
    return (f'[plugin.{name}]\nkind = "discovery"\npath = "{host.PLUGINS}/scp.so"\nidentity = "search"\n'
            f'[plugin.{name}.options]\nservers = ["{server}"]\nttl_seconds = 0\n{more}')


def found_by(name, discovery="scp", **more):
    return service(name, service_class="ledger", discovery=[discovery], keywords=[KEYWORD], base=directory.SUFFIX, **more)


CLIENT = ('[daemon]\nnegative_cache = "4s"\n'
          + ledger.client_config(more=(
              plugin("paged", "ldap://dc.mutual.test", "page_size = 4\n") + plugin("by-address", "ldap://10.77.0.1")
              + found_by("listed", trust={"hosts": ["app1.mutual.test", "app2.mutual.test"]}) + found_by("unlisted")
              + found_by("paged", "paged", trust={"base": directory.SERVICES})
              + found_by("by-address", "by-address", trust={"base": directory.SERVICES})
              + service("any", service_class="ledger", discovery=["paged"], base=directory.SUFFIX,
                        trust={"base": directory.SERVICES})
              + rule("all", ["*"], users=["alice"]))
          ).replace("global_catalog_port = 3268", "global_catalog_port = 3268\nttl_seconds = 6"))


def offered(name, file, allow, spn):
    return service(name, service_class="ledger", allow={"principals": [allow]},
                   accept={"spns": [spn], "keytab": f"{KEYTABS}/{file}.keytab", "port": OFFERED[name], "deliver": "unix",
                           "socket": ledger.SOCKET, "socket_user": "ledger"})


OFFERED = {"strict": STRICT, "wrong-key": WRONG_KEY, "other-name": OTHER_NAME}
SERVER = (ledger.server_config("app1") + offered("strict", "ledger", "bob@MUTUAL.TEST", spn("app1"))
          + offered("wrong-key", "ledger-wrong-key", ALICE, spn("app1"))
          + offered("other-name", "host", ALICE, "host/app1.mutual.test"))


class Finding(Running):
    hosts = ["app1", "app2", "client1", "rogue"]
    configurations = {"app1": SERVER, "app2": ledger.server_config("app2"), "client1": CLIENT,
                      "rogue": ledger.server_config("rogue")}

    @classmethod
    def prepare(cls):
        for name in ("app1", "app2", "rogue"):
            ledger.start_server(cls.daemons, name)

    def setUp(self):
        self.kinit("client1", "alice")
        self.word = self.id().rpartition(".")[2]

    def scp(self, name="one", on="app1", port=ledger.PORT, words=(), **more):
        """Publishes an SCP that this test alone asks for: what other tests were told is not about it."""
        return self.publish_scp(f"{name}-{len(self._cleanups)}", on, port, keyword=[KEYWORD, self.word, *words], **more)

    def narrowed(self, narrow):
        return {**narrow, "keywords": [self.word, *narrow.get("keywords", [])]}

    def find(self, service="ledger", **narrow):
        return self.request("Find", service, **self.narrowed(narrow))

    def hosts_found(self, service="ledger", **narrow):
        return sorted(each["host"].partition(".")[0] for each in self.find(service, **narrow)["candidates"])

    def opened(self, service="ledger", **narrow):
        return self.open(service, **self.narrowed(narrow))

    def not_opened(self, service="ledger", **narrow):
        return self.refused("Open", service, **self.narrowed(narrow))

    def notes(self, found):
        return self.lines(found["explanation"], "discovery", "note")

    # What is found

    def test_ft_045_every_page_of_a_search_is_read(self):
        for number in range(13):
            self.scp(f"page-{number}", port=7100 + number,
                     below=directory.SERVICES if number % 2 else f"cn=app1,{directory.HOSTS}")
        ports = {each["port"] for each in self.find("paged")["candidates"]}
        self.assertEqual(ports, set(range(7100, 7113)))

    def test_ft_046_host_and_port_come_from_the_second_step_when_a_catalog_is_asked_first(self):
        dn = self.scp()
        (one,) = self.find()["candidates"]
        self.assertEqual((one["host"], one["port"], one["source"]), ("app1.mutual.test", 7000, dn))

    def test_ft_047_none_one_and_many(self):
        self.assertEqual(self.find("paged", keywords=["nowhere"])["candidates"], [])
        error, reply = self.not_opened("paged", keywords=["nowhere"])
        self.assertEqual((error, reply["stage"]), ("NotFound", "discovery"))
        self.assertEqual(self.ctl("open", "paged", "--keyword", "nowhere").returncode, 4)
        self.scp(on="app1")
        self.assertEqual(self.opened("paged")["spn"], spn("app1"))
        self.scp(on="app2")
        self.assertEqual(self.hosts_found("paged"), ["app1", "app2"])
        seen = {self.opened("paged")["spn"] for _ in range(24)}
        self.assertEqual(seen, {spn("app1"), spn("app2")})

    def test_ft_047_a_hit_with_missing_attributes_is_passed_over_and_told(self):
        bad = {self.scp("no-host", host_name=None): "serviceDNSName is missing",
               self.scp("no-type", name_type=None): "serviceDNSNameType is missing",
               self.scp("no-port", port=None): "serviceBindingInformation is missing"}
        good = self.scp("good", on="app2")
        found = self.find()
        self.assertEqual([each["source"] for each in found["candidates"]], [good])
        for dn, why in bad.items():
            self.assertIn(f"scp: {dn}: skipped: {why}", self.notes(found))
        self.assertEqual(self.opened()["spn"], spn("app2"))

    def test_ft_052_a_port_that_is_none_is_passed_over_and_told(self):
        for number, port in enumerate(("0", "70000", "seven thousand", "-1", "7000x")):
            self.scp(f"bad-{number}", port=port)
        error, reply = self.not_opened()
        self.assertEqual(error, "NotFound")
        notes = self.notes(reply)
        self.assertEqual(len(notes), 5)
        for note in notes:
            self.assertIn("serviceBindingInformation is not understood", note)

    def test_ft_048_host_version_instance_and_class_narrow_what_is_found(self):
        first = self.scp("first", on="app1", words=["version=1"])
        self.scp("second", on="app2", words=["version=2"])
        self.scp("other", on="rogue", service_class="payroll")
        self.assertEqual(self.hosts_found(), ["app1", "app2"])
        self.assertEqual(self.hosts_found(host="app2.mutual.test"), ["app2"])
        self.assertEqual(self.hosts_found(keywords=["version=1"]), ["app1"])
        entry = self.must("client1", "ldapsearch", "-Q", "-LLL", "-Y", "GSSAPI", "-b", first, "entryUUID", user="alice")
        guid = entry.split("entryUUID: ")[1].split()[0]
        self.assertEqual(self.hosts_found(instance=guid), ["app1"])
        done = self.ctl("open", "ledger", "--keyword", self.word, "--host", "app2.mutual.test", input="hello\n")
        self.assertIn("ledger on app2.mutual.test:", done.stdout)
        self.assertEqual(self.not_opened(host="app2.mutual.test", instance=guid)[0], "NotFound")

    def test_ft_054_hostile_keywords_are_values_and_nothing_else(self):
        self.scp("plain")
        hostile = ["*", "*)(objectClass=*", r"a*(b)\c", "(|(cn=*))"]
        self.scp("hostile", port=7666, words=hostile)
        for keyword in hostile:
            found = self.find("any", keywords=[keyword])
            self.assertEqual([each["port"] for each in found["candidates"]], [7666], keyword)
        for keyword in ("a*", "\\2a", "(", ")", "ledger)(keywords=*", "*)(|(keywords=*"):
            self.assertEqual(self.find("any", keywords=[keyword])["candidates"], [], keyword)
        for keyword in ("", "\0"):
            self.assertNotEqual(self.not_opened("any", keywords=[keyword])[0], "")

    def test_ft_053_a_directory_session_without_protection_is_not_used(self):
        self.scp()
        path = f"{self.world.folder}/ldap/slapd.conf"
        with open(path) as file:
            good = file.read()
        try:
            self.restart_directory(path, good.replace("noplain,noanonymous", "noplain,noanonymous,maxssf=0"))
            error, reply = self.not_opened("paged")
            self.assertEqual((error, reply["stage"]), ("Unprotected", "discovery"))
        finally:
            self.restart_directory(path, good)
        self.assertEqual(self.opened("paged")["spn"], spn("app1"))

    def restart_directory(self, path, text):
        with self.stopped("slapd"), open(path, "w") as file:
            file.write(text)

    def test_ft_053_a_directory_that_does_not_prove_its_name_is_not_used(self):
        self.scp()
        error, reply = self.not_opened("by-address")
        self.assertEqual((error, reply["stage"]), ("DiscoveryFailed", "discovery"))

    def test_what_was_found_is_kept_for_a_while_and_so_is_that_nothing_was(self):
        self.assertEqual(self.find()["candidates"], [])
        dn = self.scp()
        again = self.find()
        self.assertEqual((again["candidates"], len(self.lines(again["explanation"], "discovery", "cached"))), ([], 1))
        found = eventually(lambda: self.find()["candidates"], bound=10, what="the SCP, after the negative cache")
        self.assertEqual([each["source"] for each in found], [dn])
        directory.delete(self.world, dn)
        kept = self.find()
        self.assertEqual(kept["candidates"], found)
        self.assertEqual(len(self.lines(kept["explanation"], "discovery", "cached")), 1)
        eventually(lambda: not self.find()["candidates"], bound=15, what="the end of the positive cache")

    # What is trusted

    def test_a_members_own_connection_point_is_shown_and_refused(self):
        self.scp(on="rogue", as_host="rogue")
        for service, why in (("ledger", "no reason under service.ledger.trust holds"),
                             ("listed", "no reason under service.listed.trust holds"),
                             ("unlisted", "states no reason to trust any candidate")):
            with self.subTest(service=service):
                (one,) = self.find(service)["candidates"]
                self.assertFalse(one["usable"])
                self.assertIn(why, one["reason"])
                error, reply = self.not_opened(service)
                self.assertEqual((error, reply["stage"]), ("Untrusted", "trust"))
                self.assertEqual(self.lines(reply["explanation"], "credentials"), [])
                self.assertEqual(self.ctl("open", service, "--keyword", self.word).returncode, 5)
                self.assertEqual(self.ctl("plan", service, "--keyword", self.word).returncode, 5)

    def test_beside_a_rogue_the_trusted_instance_is_used(self):
        self.scp("bait", on="rogue", as_host="rogue", port="port=7000;priority=0")
        self.scp("real", on="app1", port="port=7000;priority=9")
        for service in ("listed", "paged"):
            plan = self.request("Plan", service, keywords=[self.word])
            self.assertEqual([each["usable"] for each in plan["candidates"]], [True, False])
            opened = self.opened(service)
            self.assertEqual(opened["spn"], spn("app1"))
            self.assertIn("ledger on app1", opened.ask("hello"))
        self.assertNotIn("alice", self.log_of("rogue", "ledger"))

    def test_a_listed_host_is_trusted_wherever_it_was_published(self):
        self.scp(on="app1", below=f"cn=rogue,{directory.HOSTS}")
        self.assertEqual(self.opened("listed")["spn"], spn("app1"))
        self.assertEqual(self.not_opened("paged")[0], "Untrusted")
        self.assertEqual(self.not_opened("unlisted")[0], "Untrusted")

    def test_ft_020_what_is_published_never_chooses_the_class(self):
        self.scp(service_class="host")
        self.assertEqual(self.not_opened("listed")[0], "NotFound")
        self.scp(service_class="LEDGER", on="app2")
        eventually(lambda: self.find("listed")["candidates"], what="the second SCP")
        opened = self.opened("listed")
        self.assertEqual((opened["spn"], opened["peer"]), (spn("app2"), f"{spn('app2')}@{host.REALM}"))

    def test_ft_020_a_peer_that_proves_another_name_is_not_accepted(self):
        self.scp(port=OTHER_NAME)
        error, reply = self.not_opened()
        self.assertIn(error, ("RefusedByPeer", "WrongPeer"), reply)
        self.assertEqual(reply["stage"], "handshake")
        self.assertNotIn("verified", {line["decision"] for line in reply["explanation"]["lines"]})

    # What is tried next

    def tries(self, first, **narrow):
        """Opens where app1's instance comes first and fails, and app2's is next; returns the explanation's lines."""
        self.scp("first", on="app1", port=f"port={first};priority=1")
        self.scp("second", on="app2", port="port=7000;priority=2")
        opened = self.opened(**narrow)
        self.assertEqual((opened["spn"], opened["peer"]), (spn("app2"), f"{spn('app2')}@{host.REALM}"))
        self.assertIn("ledger on app2.mutual.test: alice", opened.ask("hello"))
        explanation = opened["explanation"]
        chosen = [line.split()[0] for line in self.lines(explanation, "spn", "chosen")]
        self.assertEqual(chosen, [spn("app1"), spn("app2")])
        tickets = self.lines(explanation, "credentials", "ticket")
        self.assertEqual(["app1" in tickets[0], "app2" in tickets[1]], [True, True])
        return explanation

    def test_ft_051_after_a_dead_replica_the_next_is_tried_under_its_own_name(self):
        explanation = self.tries(DEAD)
        self.assertIn(f"10.77.0.11:{DEAD}: connect", " ".join(self.lines(explanation, "connect", "failed")))

    def test_ft_051_after_a_replica_that_refuses_us_the_next_is_tried(self):
        explanation = self.tries(STRICT)
        self.assertEqual(len(self.lines(explanation, "handshake", "failed")), 1)
        self.assertIn("nothing under service.strict.accept.allow lists alice", self.log_of("app1", "mutuald"))

    def test_ft_051_after_a_replica_with_a_wrong_key_the_next_is_tried(self):
        self.tries(WRONG_KEY)

    def test_ft_051_a_replica_that_swallows_everything_leaves_time_for_the_next(self):
        with self.blackhole("client1", "app1"):
            self.tries(ledger.PORT, timeoutMilliseconds=6000)

    def test_ft_051_a_replica_whose_name_the_kdc_does_not_know_is_passed_over(self):
        self.scp("unknown", host_name="app9.mutual.test", port="port=7000;priority=1")
        self.scp("second", on="app2", port="port=7000;priority=2")
        opened = self.opened("paged")
        self.assertEqual(opened["spn"], spn("app2"))
        self.assertIn("ledger/app9.mutual.test", self.lines(opened["explanation"], "credentials", "failed")[0])

    def test_when_all_fail_the_error_is_of_the_one_that_came_furthest(self):
        self.scp("first", on="app1", port=f"port={STRICT};priority=1")
        self.scp("second", on="app1", port=f"port={DEAD};priority=2")
        error, reply = self.not_opened()
        self.assertEqual((error, reply["stage"]), ("RefusedByPeer", "handshake"))


if __name__ == "__main__":
    main()
