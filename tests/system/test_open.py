# SPDX-License-Identifier: Apache-2.0
"""Opening a channel to ledger, from discovery to the answer of the server: by mutualctl and over the raw API."""
import hashlib
import json
import os
import socket
import threading

import directory
import host
import ledger
from harness import main
from running import Running, rule, service, static_instances

ALICE, PEER = "alice@MUTUAL.TEST", "ledger/app1.mutual.test@MUTUAL.TEST"
SPN = "ledger/app1.mutual.test"
KEYTAB = "/etc/mutuald/keytabs/ledger.keytab"
VAULT = 7001
SIZE = 8 << 20
FAST = {"service_class": "ledger", "discovery": ["static"], "keywords": ["books"]}

CLIENT = ledger.client_config(more=(
    static_instances({"class": "ledger", "host": "app1.mutual.test", "port": ledger.PORT, "keywords": ["books"]},
                     {"class": "ledger", "host": "app1.mutual.test", "port": VAULT, "keywords": ["vault"]})
    + rule("not-carol", ["vault"], users=["carol"], action="deny")
    + rule("auditors", ["audit"], groups=["mutuald-admin"])
    + rule("fast", ["vault", "by-keytab", "by-host", "long"], users=["alice", "carol"])
    + rule("root-may", ["*"], users=["root"])
    + service("vault", service_class="ledger", discovery=["static"], keywords=["vault"])
    + service("audit", **FAST) + service("by-keytab", identity="search", **FAST)
    + service("by-host", identity="host", **FAST) + service("long", minimum_lifetime="2h", **FAST)))

SERVER = ledger.server_config(principals=("alice", "carol", "mutual-search", "host/client1.mutual.test")) + service(
    "vault", service_class="ledger", allow={"principals": [ALICE]},
    accept={"spns": [SPN], "keytab": KEYTAB, "port": VAULT, "deliver": "accept", "accept_users": ["ledger"]})


class Opening(Running):
    hosts = ["app1", "client1"]
    configurations = {"app1": SERVER, "client1": CLIENT}

    @classmethod
    def prepare(cls):
        ledger.start_server(cls.daemons, "app1")
        cls.dn = directory.publish(cls.world, "ledger", "app1", ledger.PORT)

    def setUp(self):
        self.kinit("client1", "alice")

    def both_ends(self):
        """A channel with both ends in hand: alice's on client1, and the server's on app1."""
        waiting = self.varlink("app1", user="ledger")
        self.addCleanup(waiting.close)
        waiting.send("org.mutuald.Broker.Accept", {"service": "vault"})
        ours = self.open("vault")
        reply = waiting.receive()
        return ours, self.channel("", reply["parameters"], waiting.fds)

    # What is told

    def test_an_opening_tells_where_it_was_found_whose_name_was_proved_and_who_we_are(self):
        done = self.ctl("open", "ledger", "--keyword", directory.LEDGER_KEYWORD, "--explain", input="hello\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, f"ledger on app1.mutual.test: {ALICE} says 'hello'; the balance is 42\n")
        for told in ("rule 'people-of-the-ledger'", f"{SPN} at app1.mutual.test:7000, from {self.dn}",
                     f"it lies below trust.base '{directory.SERVICES}'", "searches as mutual-search@MUTUAL.TEST",
                     f"{ALICE} has a ticket for {PEER} (from the KDC)", "10.77.0.11:7000",
                     f"{PEER} proved its name; mutual, confidentiality, integrity, replay, sequence\n",
                     f"peer {PEER}, we are {ALICE}, until 20", "time per stage:"):
            self.assertIn(told, done.stderr)
        self.assertNotIn("delegation", done.stderr)

    def test_json_of_open_is_the_reply_on_standard_error(self):
        done = self.ctl("open", "ledger", "--json", input="hello\n")
        reply = json.loads(done.stderr.splitlines()[0])
        self.assertEqual((reply["peer"], reply["self"], reply["spn"]), (PEER, ALICE, SPN))
        self.assertEqual(reply["explanation"]["callerUid"], 1001)
        self.assertIn("the balance is 42", done.stdout)

    def test_a_plan_decides_everything_and_connects_to_nobody(self):
        before = self.log_of("app1", "ledger").count("is here")
        known = {each["channel"] for each in self.answer("ListChannels")["channels"]}
        plan = self.ctl_json("plan", "ledger")
        self.assertEqual(set(plan), {"allowed", "candidates", "explanation"})
        (one,) = plan["candidates"]
        expected = {"host": "app1.mutual.test", "port": 7000, "transport": "sockets", "spn": SPN, "principal": PEER,
                    "plugin": "scp", "trust": "authenticated", "source": self.dn, "usable": True}
        self.assertEqual({name: one[name] for name in expected}, expected)
        self.assertTrue(plan["allowed"])
        self.assertEqual({line["stage"] for line in plan["explanation"]["lines"]},
                         {"caller", "policy", "discovery", "trust"})
        self.assertEqual(self.log_of("app1", "ledger").count("is here"), before)
        self.assertLessEqual({each["channel"] for each in self.answer("ListChannels")["channels"]}, known)

    def test_find_shows_what_discovery_knows(self):
        found = self.ctl_json("find", "ledger")
        self.assertEqual([each["source"] for each in found["candidates"]], [self.dn])
        shown = self.ctl("find", "ledger")
        self.assertEqual(shown.returncode, 0)
        self.assertIn("app1.mutual.test:7000", shown.stdout)
        self.assertIn("1 candidate\n", shown.stdout)

    def test_status_shows_daemon_parts_and_services(self):
        status = self.ctl_json("status")
        self.assertIn("vault", status["services"])
        parts = {part["name"]: part["state"] for part in status["parts"]}
        self.assertEqual(set(parts.values()), {"running", "ready"}, parts)
        self.assertGreater(len(parts), 3)
        there = json.loads(self.mutualctl("app1", "status", "--json").stdout)
        self.assertEqual({part["state"] for part in there["parts"] if part["name"].startswith("service ")},
                         {"listening"})
        self.assertIn("ledger", self.ctl("status").stdout)

    def test_call_and_introspect_speak_the_interface_itself(self):
        called = self.ctl("call", "Plan", json.dumps({"request": {"service": "ledger"}}))
        self.assertEqual((called.returncode, json.loads(called.stdout)["allowed"]), (0, True))
        info = self.ctl("call", "org.varlink.service.GetInfo")
        self.assertIn("org.mutuald.Broker", json.loads(info.stdout)["interfaces"])
        self.assertIn("method Open(request: Request)", self.ctl("introspect", "org.mutuald.Broker").stdout)
        self.assertIn("org.mutuald.Broker", self.ctl("introspect").stdout)

    # Channels and who sees them

    def test_the_raw_api_gives_a_plain_stream_socket(self):
        ours = self.open("ledger")
        self.assertEqual((ours["peer"], ours["self"], ours["spn"]), (PEER, ALICE, SPN))
        self.assertEqual((ours.socket.family, ours.socket.type), (socket.AF_UNIX, socket.SOCK_STREAM))
        self.assertIn(f"{ALICE} says 'one'", ours.ask("one"))
        self.assertIn(f"{ALICE} says 'two'", ours.ask("two"))

    def test_a_channel_outlives_the_connection_that_opened_it(self):
        link = self.varlink("client1", user="alice")
        ours = self.channel(*self.ask("Open", link=link, request={"service": "ledger"}))
        link.close()
        self.assertIn("says 'still here'", ours.ask("still here"))

    def test_a_channel_is_shown_to_its_opener_and_to_administrators_only(self):
        ours = self.open("ledger")
        ours.ask("hello")
        for user, expected in (("alice", 1), ("carol", 1), ("root", 1), ("bob", 0)):
            shown = [each["channel"] for each in self.answer("ListChannels", user=user)["channels"]]
            self.assertEqual(shown.count(ours["channel"]), expected, user)
        self.assertEqual(self.ctl("whois", ours["channel"], user="bob").returncode, 4)
        told = self.ctl_json("whois", ours["channel"])["channel"]
        expected = {"role": "initiator", "service": "ledger", "rule": "people-of-the-ledger", "callerUid": 1001,
                    "peer": PEER, "self": ALICE, "spn": SPN, "address": "10.77.0.11", "port": 7000, "ended": 0,
                    "expires": ours["expires"], "bytesToPeer": 6}
        self.assertEqual({name: told[name] for name in expected}, expected)
        self.assertIn(ours["channel"], self.ctl("list-channels").stdout)
        self.assertEqual(self.answer("WhoIs", cookie=ours.cookie())["channel"]["channel"], ours["channel"])

    def test_the_server_side_knows_the_same_channel_by_its_own_id(self):
        known = {each["channel"] for each in self.there()}
        ours = self.open("ledger")
        ours.ask("hello")
        (row,) = [each for each in self.there() if each["channel"] not in known]
        self.assertEqual((row["role"], row["peer"], row["self"]), ("acceptor", ALICE, PEER))
        self.assertNotEqual(row["channel"], ours["channel"])

    def there(self):
        return json.loads(self.mutualctl("app1", "list-channels", "--json").stdout)["channels"]

    def test_the_verdict_is_there_with_the_end_of_the_stream(self):
        ours = self.open("ledger")
        ours.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(ours.rest(), b"")
        told = self.answer("WhoIs", channel=ours["channel"])["channel"]
        self.assertEqual(told["verdict"], "authenticated")

    def test_a_command_gets_the_channel_as_descriptor_3_and_gives_its_status(self):
        script = ('import os,socket,sys; s=socket.socket(fileno=3); s.sendall(b"from a command\\n"); '
                  'print(s.recv(4096).decode(), os.environ["MUTUAL_FD"], os.environ["MUTUAL_PEER"], '
                  'os.environ["MUTUAL_SELF"], os.environ["MUTUAL_SERVICE"], os.environ["MUTUAL_SPN"]); sys.exit(17)')
        done = self.ctl("open", "ledger", "--", "/usr/bin/python3", "-c", script)
        self.assertIn("says 'from a command'", done.stdout, done.stderr)
        self.assertIn(f"3 {PEER} {ALICE} ledger {SPN}\n", done.stdout)
        self.assertEqual(done.returncode, 17, done.stderr)
        self.assertEqual(self.ctl("open", "ledger", "--", "/nowhere").returncode, 127)

    def test_whois_by_descriptor_is_about_the_channel_that_a_command_holds(self):
        done = self.ctl("open", "ledger", "--", f"{host.BUILD}/bin/mutualctl", "whois", "--fd", "3", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["channel"]["peer"], PEER)

    # Octets

    def test_eight_mebioctets_go_each_way_and_either_end_may_finish_first(self):
        for first in ("ours", "theirs"):
            with self.subTest(finishes_first=first):
                ours, theirs = self.both_ends()
                early, late = (ours, theirs) if first == "ours" else (theirs, ours)
                self.transfer(early, late)
                self.transfer(late, early)
                for channel, on, user in ((ours, "client1", "alice"), (theirs, "app1", "ledger")):
                    told = self.answer("WhoIs", user=user, on=on, channel=channel["channel"])["channel"]
                    self.assertEqual((told["verdict"], told["bytesFromPeer"], told["bytesToPeer"]),
                                     ("authenticated", SIZE, SIZE))

    def transfer(self, sender, receiver):
        """8 MiB and the end of that direction; the other direction stays as it is."""
        data = os.urandom(SIZE)

        def send():
            sender.socket.sendall(data)
            sender.socket.shutdown(socket.SHUT_WR)
        thread = threading.Thread(target=send)
        thread.start()
        received = receiver.rest()
        thread.join()
        self.assertEqual(hashlib.sha256(received).hexdigest(), hashlib.sha256(data).hexdigest())

    def test_both_directions_flow_at_once(self):
        ours, theirs = self.both_ends()
        there = threading.Thread(target=lambda: self.transfer(ours, theirs))
        there.start()
        self.transfer(theirs, ours)
        there.join()
        told = self.answer("WhoIs", channel=ours["channel"])["channel"]
        self.assertEqual((told["verdict"], told["bytesToPeer"]), ("authenticated", SIZE))

    # Identities

    def test_a_named_cache_decides_who_the_caller_is(self):
        self.kinit("client1", "carol", cache="FILE:/tmp/krb5cc_1003_other")
        refused = self.ctl("open", "ledger", user="carol", input="hello\n")
        self.assertEqual(refused.returncode, 6, refused.stderr)
        self.assertIn("NoCredentials", refused.stderr)
        done = self.ctl("open", "ledger", "--cache", "FILE:/tmp/krb5cc_1003_other", user="carol", input="hello\n")
        self.assertIn("carol@MUTUAL.TEST says 'hello'", done.stdout)
        done = self.ctl("open", "ledger", user="carol", env={"KRB5CCNAME": "/tmp/krb5cc_1003_other"}, input="hello\n")
        self.assertIn("carol@MUTUAL.TEST says 'hello'", done.stdout)

    def test_a_cache_of_another_user_is_of_no_use(self):
        done = self.ctl("open", "ledger", "--cache", "FILE:/tmp/krb5cc_1001", user="carol")
        self.assertEqual(done.returncode, 6, done.stderr)

    def test_a_directory_of_caches_and_a_key_ring_serve_too(self):
        self.must("client1", "install", "-d", "-m", "700", "/home/alice/caches", user="alice")
        for cache in ("DIR:/home/alice/caches", "KEYRING:persistent:1001"):
            with self.subTest(cache=cache):
                self.kdestroy("client1", "alice")
                self.kinit("client1", "alice", cache=cache)
                opened = self.open("ledger", credentialCache=cache)
                self.assertEqual(opened["self"], ALICE)

    def test_a_cache_in_memory_is_refused_with_the_reason(self):
        error, reply = self.refused("Open", "ledger", credentialCache="MEMORY:mine")
        self.assertEqual(error, "InvalidRequest", reply)
        self.assertIn("MEMORY", reply["message"])

    def test_a_service_may_be_opened_as_a_keytab_or_as_the_host(self):
        self.kdestroy("client1", "alice")
        self.assertEqual(self.open("by-keytab")["self"], "mutual-search@MUTUAL.TEST")
        opened = self.open("by-host")
        self.assertEqual(opened["self"], "host/client1.mutual.test@MUTUAL.TEST")
        self.assertIn("host/client1.mutual.test@MUTUAL.TEST says", opened.ask("hello"))

    def test_a_ticket_that_ends_too_soon_is_refused(self):
        self.kinit("client1", "alice", lifetime="1h")
        error, reply = self.refused("Open", "long")
        self.assertEqual((error, reply["stage"]), ("NoCredentials", "credentials"), reply)
        self.assertIn("7200 s are asked for", reply["message"])
        self.assertNotEqual(self.ctl("open", "ledger", "--min-lifetime", "90min").returncode, 0)
        self.assertEqual(self.ctl("open", "ledger", "--min-lifetime", "30min").returncode, 0)
        self.kinit("client1", "alice", lifetime="3h")
        self.assertEqual(self.open("long")["peer"], PEER)

    # Refusals

    def test_the_first_rule_that_matches_decides_and_is_named(self):
        error, reply = self.refused("Open", "vault", user="carol")
        self.assertEqual((error, reply["stage"]), ("Denied", "policy"))
        self.assertIn("rule 'not-carol' (/etc/mutuald/mutuald.toml:", reply["message"])
        self.assertEqual(self.ctl("open", "vault", user="carol").returncode, 5)
        self.assertEqual(self.ctl("plan", "vault", user="carol").returncode, 5)

    def test_without_a_rule_nobody_opens_anything(self):
        for user in ("bob", "ledger"):
            error, reply = self.refused("Open", "ledger", user=user)
            self.assertEqual(error, "Denied")
            self.assertIn("no rule allows uid", reply["message"])
            self.assertEqual(self.lines(reply["explanation"], "discovery"), [])

    def test_a_member_of_a_group_is_allowed_by_the_group_rule(self):
        plan = self.request("Plan", "audit", user="carol")
        self.assertIn("rule 'auditors'", self.lines(plan["explanation"], "policy", "allowed")[0])
        self.assertEqual(self.refused("Plan", "audit", user="alice")[0], "Denied")

    def test_which_services_exist_is_told_to_those_who_may_open_them(self):
        self.assertEqual(self.refused("Open", "no-such-service")[0], "Denied")
        error, reply = self.refused("Open", "leger", user="root")
        self.assertEqual(error, "UnknownService")
        self.assertIn("ledger", reply["hint"])
        self.assertEqual(self.ctl("open", "leger", user="root").returncode, 4)

    def test_exit_statuses_tell_what_went_wrong(self):
        self.assertEqual(self.ctl("open").returncode, 2)
        self.assertEqual(self.ctl("--socket", "/run/nobody/listens", "status").returncode, 3)
        self.assertEqual(self.ctl("open", "ledger", "--host", "app9.mutual.test").returncode, 4)
        self.assertEqual(self.ctl("open", "ledger", "--cache", "FILE:/tmp/none").returncode, 6)
        with self.blackhole("client1", "app1"):
            late = self.ctl("open", "ledger", "--timeout", "3s")
        self.assertEqual(late.returncode, 1, late.stderr)
        self.assertIn("connect to 10.77.0.11:7000: no answer in time", late.stderr)
        self.assertEqual(self.ctl("open", "ledger", input="hello\n").returncode, 0)

    def test_a_peer_that_does_not_admit_us_is_a_refusal_by_the_peer(self):
        cache = "FILE:/tmp/krb5cc_1001_as_bob"
        self.must("client1", "kinit", "-c", cache, "bob", user="alice", input="bob-password\n")
        error, reply = self.refused("Open", "ledger", credentialCache=cache)
        self.assertEqual(error, "RefusedByPeer", reply)
        self.assertEqual(self.ctl("open", "ledger", "--cache", cache).returncode, 6)
        self.assertIn("nothing under service.ledger.accept.allow lists bob@MUTUAL.TEST", self.log_of("app1", "mutuald"))


if __name__ == "__main__":
    main()
