# SPDX-License-Identifier: Apache-2.0
"""The scp plugin in the real mutuald-plugin, against the realm's OpenLDAP, with the search identity's tickets."""
import contextlib
import fcntl
import json
import os
import socket
import time

import directory
import host
import kerberos
from harness import World, eventually, main

DC = "ldap://dc.mutual.test"
KEYWORD = directory.LEDGER_KEYWORD
SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
SOCKET = "/run/finders/socket"


def sealed(data):
    """A sealed memory file, as mutuald-keys hands tickets over."""
    descriptor = os.memfd_create("tickets", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(descriptor, data)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEALS)
    return descriptor


class Finding(World):
    """What both kinds of session need; no tests of its own."""
    hosts = ["app1", "app2", "client1"]

    def start(self, **options):
        """Starts mutuald-plugin under its own uid on client1, with these options of scp's."""
        given = {"servers": [DC], **options}
        values = "".join(f"{name} = {json.dumps(value)}\n" for name, value in given.items() if value is not None)
        self.configure("client1", f'[daemon]\nplugin_folder = "{host.BUILD}/lib/mutuald"\n[plugin.scp.options]\n{values}')
        self.must("client1", "install", "-d", "-o", "mutuald-plugin", "/run/finders")
        self.must("client1", "rm", "-f", SOCKET)
        program = self.start_on("client1", f"{host.BUILD}/bin/mutuald-plugin", "--socket", SOCKET,
                                user="mutuald-plugin", log="mutuald-plugin")
        while not os.path.exists(self.world.inside("client1", SOCKET)):
            self.assertIsNone(program.poll(), "mutuald-plugin ended before it was ready")
            time.sleep(0.005)

    def tickets(self, lifetime="1h"):
        cache = "/run/search.ccache"
        self.must("client1", "kinit", "-l", lifetime, "-k", "-t", self.world.keytab("client1", kerberos.SEARCH), "-c",
                  f"FILE:{cache}", kerberos.SEARCH)
        with open(self.world.inside("client1", cache), "rb") as file:
            return sealed(file.read())

    def find(self, tickets=True, milliseconds=10_000, limit=100, **query):
        """Find, as the broker asks it. `tickets`: False, True, or a descriptor."""
        wanted = {"serviceClass": "", "keywords": [], "instance": "", "host": "", "rpcProgram": 0, "rpcVersion": 0,
                  "base": "", "limit": limit, **query}
        parameters = {"version": 1, "plugin": "scp", "query": wanted, "timeoutMilliseconds": milliseconds}
        link = self.varlink("client1", SOCKET, "mutuald")
        self.addCleanup(link.close)
        descriptors = []
        if tickets is not False:
            descriptors = [self.tickets() if tickets is True else tickets]
            parameters.update(ticketsFileDescriptor=0, ticketsPrincipal=f"{kerberos.SEARCH}@{host.REALM}")
        call = json.dumps({"method": "org.mutuald.Plugins.Find", "parameters": parameters}).encode() + b"\0"
        socket.send_fds(link.socket, [call], descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        reply = link.receive()
        self.assertNotIn("error", reply)
        return reply["parameters"]

    def found(self, **query):
        """Candidates of a search that must be complete."""
        answer = self.find(**query)
        self.assertTrue(answer["complete"], answer)
        return answer["candidates"]

    def problem(self, **query):
        answer = self.find(**query)
        self.assertFalse(answer["complete"])
        return answer["problem"]


class Scp(Finding):
    """SASL GSSAPI, as usual."""

    def test_ft_018_a_connection_point_gives_host_port_and_the_parts_of_its_spn(self):
        dn = self.publish_scp(port=7010)
        self.start()
        (one,) = self.found(keywords=[KEYWORD])
        self.assertEqual((one["host"], one["port"], one["spnPort"]), ("app1.mutual.test", 7010, 0))
        self.assertEqual((one["serviceClass"], one["spnHost"]), ("ledger", "app1.mutual.test"))
        self.assertEqual((one["serviceName"], one["source"], one["trust"]), (dn, dn, "authenticated"))

    def test_a_dn_with_comma_backslash_and_at_is_kept(self):
        for name in (r"a\,b", r"a\5Cb@c", r"a\2Bb"):
            self.publish_scp(name=name, keyword=["dn-test", name])
        self.start()
        names = {each["serviceName"] for each in self.found(keywords=["dn-test"])}
        self.assertEqual(names, {f"cn={name},{directory.SERVICES}" for name in (r"a\2Cb", r"a\5Cb@c", r"a\2Bb")})

    def test_ft_045_a_search_goes_on_beyond_one_page(self):
        for number in range(25):
            below = directory.SERVICES if number % 2 else f"cn=app1,{directory.HOSTS}"
            self.publish_scp(name=f"page-{number}", below=below, port=7000 + number, keyword="paged")
        self.start(page_size=4)
        self.assertEqual({each["port"] for each in self.found(keywords=["paged"])}, set(range(7000, 7025)))
        self.assertEqual(len(self.found(keywords=["paged"], limit=7)), 7)

    def test_ft_046_the_second_step_reads_what_the_catalog_does_not_have(self):
        self.publish_scp(port=7010)
        self.start(global_catalog_port=3268, base=directory.SUFFIX)
        (one,) = self.found(keywords=[KEYWORD], serviceClass="ledger")
        self.assertEqual((one["host"], one["port"]), ("app1.mutual.test", 7010))

    def test_ft_046_the_catalog_alone_would_not_be_enough(self):
        self.publish_scp(port=7010)
        self.start(servers=[directory.CATALOG])
        answer = self.find(keywords=[KEYWORD])
        self.assertEqual(answer["candidates"], [])
        self.assertIn("serviceClassName is missing", answer["notes"][0])

    def test_ft_047_zero_one_and_many(self):
        self.start()
        self.assertEqual(self.found(keywords=["no-such-keyword"]), [])
        self.publish_scp(name="one", on="app1")
        self.assertEqual(len(self.found(keywords=[KEYWORD])), 1)
        self.publish_scp(name="two", on="app2")
        self.assertEqual(len(self.found(keywords=[KEYWORD])), 2)

    def test_ft_047_hits_with_missing_attributes_are_skipped_with_a_note(self):
        good = self.publish_scp(name="good")
        bad = {self.publish_scp(name="no-host", host_name=None): "serviceDNSName is missing",
               self.publish_scp(name="no-type", name_type=None): "serviceDNSNameType is missing",
               self.publish_scp(name="no-port", port=None): "serviceBindingInformation is missing"}
        self.start()
        answer = self.find(keywords=[KEYWORD])
        self.assertEqual([each["source"] for each in answer["candidates"]], [good])
        self.assertEqual(set(answer["notes"]), {f"{dn}: skipped: {why}" for dn, why in bad.items()})

    def test_ft_052_binding_information_that_is_not_understood_is_skipped_with_a_note(self):
        for number, port in enumerate(("0", "70000", "http://app1/", "port=7010;colour=red")):
            self.publish_scp(name=f"bad-{number}", port=port)
        self.publish_scp(name="both", port=["port=7011;priority=3;weight=4", "70000"])
        self.start()
        answer = self.find(keywords=[KEYWORD])
        self.assertEqual([(each["port"], each["priority"], each["weight"]) for each in answer["candidates"]],
                         [(7011, 3, 4)])
        self.assertEqual(len(answer["notes"]), 5)
        for note in answer["notes"]:
            self.assertIn("serviceBindingInformation is not understood", note)

    def test_ft_048_hits_are_narrowed_by_class_host_version_and_guid(self):
        first = self.publish_scp(name="first", on="app1", keyword=[KEYWORD, "version=1"])
        self.publish_scp(name="second", on="app2", keyword=[KEYWORD, "version=2"])
        self.publish_scp(name="other", on="app2", service_class="payroll", keyword=[KEYWORD])
        self.start()
        hosts = lambda **query: sorted(each["host"] for each in self.found(**query))
        self.assertEqual(hosts(serviceClass="LEDGER"), ["app1.mutual.test", "app2.mutual.test"])
        self.assertEqual(hosts(keywords=[KEYWORD], serviceClass="payroll"), ["app2.mutual.test"])
        self.assertEqual(hosts(keywords=[KEYWORD], host="APP1.mutual.test."), ["app1.mutual.test"])
        self.assertEqual(hosts(keywords=[KEYWORD.upper(), "version=2"]), ["app2.mutual.test"])
        self.assertEqual([each["version"] for each in self.found(keywords=["version=2"])], ["2"])
        self.kinit("client1", "alice")
        entry = self.must("client1", "ldapsearch", "-Q", "-LLL", "-Y", "GSSAPI", "-b", first, "entryUUID", user="alice")
        guid = entry.split("entryUUID: ")[1].split()[0]
        self.assertEqual(hosts(instance=guid), ["app1.mutual.test"])
        self.assertEqual(hosts(instance=guid.upper(), serviceClass="payroll"), [])
        self.assertEqual(self.problem(instance="first")["code"], "InvalidRequest")

    def test_ft_048_only_connection_points_below_the_base_count(self):
        self.publish_scp(name="here", below=f"cn=app1,{directory.HOSTS}", port=7001)
        self.publish_scp(name="there", port=7002)
        self.start()
        (one,) = self.found(keywords=[KEYWORD], base=directory.SERVICES)
        self.assertEqual(one["port"], 7002)
        self.assertEqual(self.problem(keywords=[KEYWORD], base="ou=nowhere," + directory.SUFFIX)["code"],
                         "DiscoveryFailed")
        self.assertEqual(self.problem(keywords=[KEYWORD], base="not a dn")["code"], "InvalidRequest")

    def test_ft_053_a_session_without_protection_is_refused(self):
        self.publish_scp()
        self.start()
        self.assertEqual(len(self.found(keywords=[KEYWORD])), 1)
        path = f"{self.world.folder}/ldap/slapd.conf"
        with open(path) as file:
            good = file.read()

        def write(text):
            with open(path, "w") as target:
                target.write(text)
        with self.stopped("slapd"):
            write(good.replace("sasl-secprops noplain,noanonymous", "sasl-secprops noplain,noanonymous,maxssf=0"))
        try:
            answer = self.find(keywords=[KEYWORD])
            self.assertEqual((answer["candidates"], answer["problem"]["code"]), ([], "Unprotected"))
        finally:
            with self.stopped("slapd"):
                write(good)

    def test_ft_053_a_server_that_cannot_prove_its_name_is_refused(self):
        self.publish_scp()
        self.start(servers=["ldap://10.77.0.1"])
        self.assertEqual(self.problem(keywords=[KEYWORD])["code"], "DiscoveryFailed")

    def test_ft_053_dns_does_not_choose_the_name_that_a_server_has_to_prove(self):
        self.publish_scp()
        forged = f"127.0.0.1 localhost\n{host.ADDRESSES['dc']} rogue.mutual.test dc.mutual.test dc\n"
        trusting = "".join(line for line in self.world.krb5_conf.splitlines(True)
                           if "canonicalize" not in line and "rdns" not in line)
        usual = host.etc_files(self.world.hosts, "client1", self.world.krb5_conf)
        try:
            self.world.write_etc("client1", "hosts", forged.encode())
            self.world.write_etc("client1", "krb5.conf", trusting.encode())
            self.start()
            self.assertEqual(len(self.found(keywords=[KEYWORD])), 1)
        finally:
            for file in ("hosts", "krb5.conf"):
                self.world.write_etc("client1", file, usual[file].encode())

    def serve_dns(self, *records):
        """A DNS server on dc, where every host's resolv.conf points."""
        log = f"{self.world.host_folder('dc')}/dns_server.py.log"
        with contextlib.suppress(FileNotFoundError):
            os.remove(log)
        program = self.start_on("dc", "/usr/bin/python3", f"{self.world.tree}/tests/realm/dns_server.py",
                                host.ADDRESSES["dc"], *records, log="dns_server.py")

        def serving():
            self.assertIsNone(program.poll(), "the DNS server ended")
            with open(log) as file:
                return "serving" in file.read()
        eventually(serving, what="a DNS server")

    def test_ft_049_servers_are_found_by_srv_records_and_vouch_for_less(self):
        self.publish_scp()
        self.serve_dns("_ldap._tcp.mutual.test=0:0:3999:app1.mutual.test",  # where nobody listens
                       "_ldap._tcp.mutual.test=1:0:389:dc.mutual.test")
        self.start(servers=None, domain="mutual.test")
        answer = self.find(keywords=[KEYWORD])
        self.assertIn("ldap://app1.mutual.test:3999", answer["notes"][0])
        (one,) = answer["candidates"]
        self.assertEqual((one["host"], one["trust"]), ("app1.mutual.test", "unauthenticated"))

    def test_ft_049_without_srv_records_the_error_says_what_to_do(self):
        self.serve_dns("_ldap._tcp.other.test=0:0:389:dc.mutual.test")
        self.start(servers=None, domain="mutual.test")
        problem = self.problem(keywords=[KEYWORD])
        self.assertEqual(problem["code"], "DiscoveryFailed")
        self.assertIn("no SRV records of _ldap._tcp.mutual.test", problem["message"])
        self.assertIn("`servers`", problem["hint"])

    def test_an_srv_record_whose_target_is_no_host_name_is_passed_over(self):
        self.publish_scp()
        self.serve_dns("_ldap._tcp.mutual.test=0:0:389:x,ldap.//y",
                       "_ldap._tcp.mutual.test=1:0:389:dc.mutual.test")
        self.start(servers=None, domain="mutual.test")
        answer = self.find(keywords=[KEYWORD])
        self.assertEqual((len(answer["candidates"]), answer["notes"]), (1, []))

    def test_ft_049_a_connection_point_of_type_srv_gives_host_and_port_of_each_record(self):
        self.serve_dns("_ledger._tcp.mutual.test=0:0:7011:app1.mutual.test",
                       "_ledger._tcp.mutual.test=0:0:7012:app2.mutual.test")
        self.publish_scp(keyword="srv-type", host_name="_ledger._tcp.mutual.test", name_type="SRV")
        self.start()
        found = {(each["host"], each["port"], each["trust"]) for each in self.found(keywords=["srv-type"])}
        self.assertEqual(found, {("app1.mutual.test", 7011, "unauthenticated"),
                                 ("app2.mutual.test", 7012, "unauthenticated")})

    def test_ft_053_nothing_is_asked_without_tickets(self):
        self.start()
        self.assertEqual(self.problem(keywords=[KEYWORD], tickets=False)["code"], "NoCredentials")
        self.assertEqual(self.problem(keywords=[KEYWORD], tickets=sealed(b"rubbish"))["code"], "NoCredentials")

    def test_ft_054_hostile_keywords_are_only_values(self):
        self.publish_scp(name="plain")
        hostile = [r"a*(b)\c", "*)(objectClass=*", "(|(cn=*))", "*"]
        self.publish_scp(name="hostile", keyword=hostile, port=7666)
        self.start()
        for keyword in hostile:
            self.assertEqual([each["port"] for each in self.found(keywords=[keyword])], [7666])
        for keyword in ("a*", "*)(cn=plain", "\\2a", "(", "ledger)(keywords=*"):
            self.assertEqual(self.found(keywords=[keyword]), [])

    def test_the_next_server_is_asked_when_one_does_not_answer(self):
        self.publish_scp()
        self.start(servers=["ldap://app2.mutual.test", DC])
        answer = self.find(keywords=[KEYWORD])
        self.assertEqual(len(answer["candidates"]), 1)
        self.assertIn("Can't contact LDAP server", answer["notes"][0])

    def test_a_black_hole_costs_the_deadline_and_no_more(self):
        tickets = self.tickets()
        self.start()
        with self.blackhole("client1", "dc"):
            began = time.monotonic()
            problem = self.problem(keywords=[KEYWORD], tickets=tickets, milliseconds=1000)
            took = time.monotonic() - began
        self.assertIn(problem["code"], ("TimedOut", "DiscoveryFailed"))
        self.assertLess(took, 3)
        self.publish_scp()
        self.assertEqual(len(self.found(keywords=[KEYWORD])), 1)

    def test_a_frozen_directory_costs_the_deadline_and_no_more(self):
        self.start()
        tickets = self.tickets()
        with self.frozen("slapd"):
            began = time.monotonic()
            problem = self.problem(keywords=[KEYWORD], tickets=tickets, milliseconds=1000)
            took = time.monotonic() - began
        self.assertIn(problem["code"], ("TimedOut", "DiscoveryFailed"))
        self.assertLess(took, 3)


class ScpOverTls(Finding):
    """The same directory over LDAPS, with the same tickets inside."""
    options = {"ldaps": True}

    def start(self, **options):
        super().start(**{"servers": ["ldaps://dc.mutual.test"], "security": "ldaps",
                         "ca_file": "/etc/ssl/realm-ca.pem", **options})

    def test_ft_053_a_checked_certificate_is_enough_and_tickets_say_who_asks(self):
        self.publish_scp(port=7010)
        self.start()
        self.assertEqual([each["port"] for each in self.found(keywords=[KEYWORD])], [7010])
        # This directory shows its entries to users only.
        self.assertEqual(self.find(keywords=[KEYWORD], tickets=False)["candidates"], [])

    def test_ft_053_a_certificate_of_a_strange_authority_is_refused(self):
        self.publish_scp()
        self.must("client1", "sh", "-c", "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
                  "-keyout /dev/null -subj /CN=stranger -out /etc/ssl/stranger.pem 2>&1")
        self.start(ca_file="/etc/ssl/stranger.pem")
        self.assertEqual(self.problem(keywords=[KEYWORD])["code"], "DiscoveryFailed")

    def test_ft_053_a_certificate_of_another_name_is_refused(self):
        self.publish_scp()
        self.start(servers=["ldaps://10.77.0.1"])
        self.assertIn("Can't contact LDAP server", self.problem(keywords=[KEYWORD])["message"])


if __name__ == "__main__":
    main()
