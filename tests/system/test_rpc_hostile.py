# SPDX-License-Identifier: Apache-2.0
"""Peers that do not speak RPCSEC_GSS as they must, and what ours asks of them: the running daemons, in either role."""
import time

import gss_peer
import host
import onc_rpc
from gss_peer import FLAG, altered, token_of
from harness import main
from peers import OTHER_SPN, PORTS, PROGRAM, SPN, VERSION, Peers
from rpc_peer import Denied, RpcPeer

MUTUAL = {FLAG.mutual_authentication}
COMPLETE, CONTINUE_NEEDED = 0, 1


class OurAcceptor(Peers):
    """Called by Python."""

    def caller(self, name="rpc"):
        return self.peer(PORTS[name], RpcPeer)

    def refused(self, peer, token, why):
        """No context comes of the token: the client is told a failure, or the connection ends; the log says why."""
        peer.frame(token)
        peer.major = None
        try:
            peer.next_frame()
        except Denied:
            pass
        self.assertEqual(peer.handle, b"")
        self.assertNotIn(peer.major, (COMPLETE, CONTINUE_NEEDED))
        self.logged("app1", why)
        self.nobody_was_served()

    def test_a_peers_flags_for_replays_and_sequence_do_not_matter(self):
        for more in (set(), {FLAG.replay_detection, FLAG.out_of_sequence_detection}):
            with self.subTest(more=more):
                peer = self.caller()
                self.assertTrue(peer.initiate(SPN, self.cache(), MUTUAL | more))
                self.assertEqual((len(peer.handle), peer.major), (16, COMPLETE))
                self.connected()

    def connected(self):
        """The server program gets a connection of a channel."""
        self.server.settimeout(15.0)
        self.addCleanup(self.server.accept()[0].close)

    def test_ft_079_a_client_that_does_not_ask_for_mutual_authentication_is_refused(self):
        peer = self.caller()
        self.refused(peer, peer.first_token(SPN, self.cache(), {FLAG.replay_detection}), "it lacks mutual authentication")

    def test_ft_080_a_context_that_would_take_a_third_token_is_refused(self):
        peer = self.caller()
        self.refused(peer, peer.first_token(SPN, self.cache(), MUTUAL | {FLAG.dce_style}), "it is not a framed GSS token")

    def test_ft_081_spnego_and_other_mechanisms_are_refused(self):
        peer = self.caller()
        self.refused(peer, peer.first_token(SPN, self.cache(), MUTUAL, gss_peer.SPNEGO), "SPNEGO")
        oid = b"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a"  # NTLM
        self.refused(self.caller(), token_of(oid), "its mechanism is not Kerberos V5")

    def test_ft_084_a_client_that_stops_within_its_call_is_dropped_when_its_time_is_over(self):
        for size in (0, 2, 40):
            with self.subTest(size=size):
                peer = self.caller("rpc-brief")
                began = time.monotonic()
                peer.raw(onc_rpc.call_record(1, PROGRAM, VERSION, 0, bytes(64))[:size])
                self.nothing_more(peer)
                self.assertGreater(time.monotonic() - began, 0.9)
                self.assertLess(time.monotonic() - began, 5)
        self.nobody_was_served()

    def test_ft_089_a_client_that_asks_for_an_unlisted_name_is_refused_though_its_key_is_there(self):
        peer = self.caller()
        self.refused(peer, peer.first_token(OTHER_SPN, self.cache(), MUTUAL), f"{OTHER_SPN}@{host.REALM}")

    def test_ft_089_the_acceptor_logs_the_name_that_it_was_asked_for(self):
        self.assertTrue(self.caller().initiate(SPN, self.cache(), MUTUAL))
        self.connected()
        self.logged("app1", f"admitted alice@{host.REALM}")
        admitted = next(line for line in self.said("app1").splitlines() if "admitted alice" in line)
        self.assertIn("service=rpc ", admitted)
        self.assertIn(f"spn={SPN} ", admitted)

    def test_ft_090_credentials_that_a_client_delegates_are_not_kept(self):
        find = ["find", "/tmp", "/var/tmp", "/run", "-name", "*krb5cc*"]
        before, peer = self.must("app1", *find), self.caller()
        with gss_peer.network_of(self.world, "client1"):  # a forwarded ticket comes from the KDC
            self.assertTrue(peer.initiate(SPN, self.cache(), MUTUAL | {FLAG.delegate_to_peer}))
        self.assertIn(FLAG.delegate_to_peer, peer.flags)
        self.connected()
        self.assertEqual(self.must("app1", *find), before)


class OurInitiator(Peers):
    """Calls Python, or an acceptor of ours with the wrong key."""

    def called(self):
        """`mutualctl open`, with something to send, and the connection that it makes."""
        program, peer = self.opening(service="fake-rpc", kind=RpcPeer)
        program.stdin.write(onc_rpc.call_record(7, PROGRAM, VERSION, 1, b"secret!!"))
        program.stdin.flush()
        return program, peer

    def keytab(self):
        return self.world.keytab("app1", "ledger")

    def test_ft_077_ft_090_it_asks_for_mutual_authentication_and_protection_and_delegates_nothing(self):
        self.assertRegex(self.must("client1", "klist", "-f", user="alice"), r"krbtgt/[^\n]*\n[^\n]*Flags: [A-Za-z]*F")
        program, peer = self.called()
        peer.accept(self.keytab())
        wanted = {FLAG.mutual_authentication, FLAG.integrity, FLAG.confidentiality}
        self.assertEqual((wanted - peer.flags, peer.delegated), (set(), None))
        self.assertEqual(peer.flags & {FLAG.delegate_to_peer, FLAG.ok_as_delegate}, set())
        self.assertIsNotNone(peer.next_record())  # the call, now that the context is there
        peer.close()
        self.ended(program, 8)

    def test_ft_078_ft_080_an_acceptor_that_has_not_proved_itself_gets_no_call(self):
        answers = {"nothing": (lambda peer: peer.take(self.keytab()), "RefusedByPeer", 6),
                   "an altered proof": (lambda peer: peer.answer_init(altered(peer.take(self.keytab()))), "WrongPeer", 6),
                   "no proof": (lambda peer: (peer.take(self.keytab()), peer.answer_init(b"")), "Protocol", 1),
                   "no handle": (lambda peer: peer.answer_init(peer.take(self.keytab()), handle=b""), "Protocol", 1),
                   "a window without proof": (lambda peer: peer.answer_init(peer.take(self.keytab()), verifier=b"x" * 28),
                                              "Protocol", 1)}
        for name, (answer, code, status) in answers.items():
            with self.subTest(answer=name):
                program, peer = self.called()
                answer(peer)
                peer.end()
                self.refused(program, code, status)
                self.nothing_more(peer)

    def test_ft_082_an_acceptor_without_the_services_key_is_the_wrong_peer(self):
        self.refused(self.ctl("rpc-wrong-key"), "WrongPeer", 6)

    def test_ft_082_an_unknown_target_is_named(self):
        error = self.refused(self.ctl("rpc-unknown"), "UnknownTarget", 6)
        self.assertIn(f"nosuch/{host.full_name('app1')}", error["message"])

    def test_ft_084_an_acceptor_that_never_answers_costs_the_deadline(self):
        program, peer = self.opening("--timeout", "1s", service="fake-rpc", kind=RpcPeer)
        began = time.monotonic()
        self.assertIsNotNone(peer.next_record())
        self.refused(program, "TimedOut", 7)
        self.assertLess(time.monotonic() - began, 5)
        self.nothing_more(peer)


if __name__ == "__main__":
    main()
