# SPDX-License-Identifier: Apache-2.0
"""Peers that do not speak wire `gss` as they must: refused by the running daemons, in either role."""
import contextlib
import struct
import time

import gssapi

import gss_peer
import host
from gss_peer import FLAG, USUAL, altered, framed, token_of
from harness import eventually, main
from peers import LOWERED, OTHER_SPN, PORTS, SPN, Peers

BROKEN_LENGTHS = (0, 131_073, 0xFFFF_FFFF)
BANNERS = (b"SSH-2.0-OpenSSH_9.2p1\r\n", b"GET / HTTP/1.1\r\nHost: app1\r\n\r\n")


class HostilePeers(Peers):
    """Nothing of theirs reaches a program, and nothing of a program's reaches them."""

    def refused_by_acceptor(self, peer, why):
        """The acceptor answers nothing, no server program was asked, and the log names the reason."""
        self.nothing_more(peer)
        self.logged("app1", why)
        self.nobody_was_served()

    # The initiator as it should not be

    def test_ft_079_a_client_that_does_not_ask_for_mutual_authentication_is_refused(self):
        peer = self.peer()
        peer.raw(framed(peer.first_token(SPN, self.cache(), {FLAG.out_of_sequence_detection})))
        self.refused_by_acceptor(peer, "it lacks mutual authentication")

    def test_ft_080_the_flags_of_the_finished_context_decide(self):
        peer = self.peer()
        peer.frame(peer.first_token(SPN, self.cache(), {FLAG.mutual_authentication}))
        self.refused_by_acceptor(peer, "check the finished context: it lacks sequence detection")

    def test_ft_080_a_context_that_would_take_a_third_token_is_refused(self):
        peer = self.peer()
        peer.frame(peer.first_token(SPN, self.cache(), USUAL | {FLAG.dce_style}))
        self.refused_by_acceptor(peer, "it is not a framed GSS token")

    def test_ft_081_spnego_is_refused(self):
        peer = self.peer()
        peer.frame(peer.first_token(SPN, self.cache(), USUAL, gss_peer.SPNEGO))
        self.refused_by_acceptor(peer, "SPNEGO")

    def test_ft_081_other_mechanisms_are_refused(self):
        for oid in (b"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a", b"\x2b\x06\x01\x05\x02\x05"):  # NTLM, IAKERB
            with self.subTest(oid=oid):
                peer = self.peer()
                peer.frame(token_of(oid))
                self.refused_by_acceptor(peer, "its mechanism is not Kerberos V5")

    def test_ft_089_a_client_that_asks_for_an_unlisted_name_is_refused_though_its_key_is_there(self):
        peer = self.peer()
        peer.frame(peer.first_token(OTHER_SPN, self.cache()))
        with contextlib.suppress(TypeError):
            peer.next_frame()  # an error token of the mechanism, or nothing
        self.refused_by_acceptor(peer, f"{OTHER_SPN}@{host.REALM}")

    def test_a_client_that_is_not_allowed_is_refused_and_the_acceptors_log_says_why(self):
        error = self.refused(self.ctl("ledger", user="bob"), "RefusedByPeer", 6)
        self.assertIn("log", error["hint"])
        self.logged("app1", f"refused bob@{host.REALM} from")
        self.assertIn(f"nothing under service.ledger.accept.allow lists bob@{host.REALM}", self.said("app1"))
        self.nobody_was_served()

    def test_a_ticket_sent_twice_gets_one_channel_at_most(self):
        first, second = self.peer(), self.peer()
        token = first.first_token(SPN, self.cache())
        first.frame(token)
        self.assertIsNotNone(first.next_frame())
        self.served()
        second.frame(token)
        second.end()
        second.rest()
        self.logged("app1", "replay")
        self.nobody_was_served()

    # The acceptor as it should not be

    def answered_with(self, answer, code, status):
        """What our initiator says of an acceptor whose first answer is made by answer(peer)."""
        program, peer = self.opening()
        program.stdin.write(b"a secret")
        program.stdin.flush()
        answer(peer)
        peer.end()
        error = self.refused(program, code, status)
        return error, peer

    def test_ft_078_ft_080_an_acceptor_that_has_not_proved_itself_gets_no_octet(self):
        keytab = self.world.keytab("app1", "ledger")
        answers = {"nothing": (lambda peer: peer.take(keytab), "RefusedByPeer", 6),
                   "an altered proof": (lambda peer: peer.frame(altered(peer.take(keytab))), "WrongPeer", 6),
                   "a record": (lambda peer: (peer.take(keytab), peer.frame(peer.seal(b"hello"))), "Protocol", 1),
                   "its own token": (lambda peer: peer.frame(peer.next_frame()), "Protocol", 1)}
        for name, (answer, code, status) in answers.items():
            with self.subTest(answer=name):
                _, peer = self.answered_with(answer, code, status)
                self.nothing_more(peer)

    def test_ft_082_an_acceptor_without_the_services_key_is_the_wrong_peer(self):
        error = self.refused(self.ctl("wrong-key"), "WrongPeer", 6)
        self.assertIn(SPN, error["message"])
        self.logged("app1", "a different key of that number")
        self.nobody_was_served()

    def test_ft_082_an_acceptor_with_another_services_key_is_the_wrong_peer(self):
        def try_the_other_key(peer):
            with self.assertRaises(gssapi.exceptions.GSSError) as failed:
                peer.take(self.world.keytab("app1", "host"))
            peer.frame(failed.exception.token)
        error, peer = self.answered_with(try_the_other_key, "WrongPeer", 6)
        self.assertIn(SPN, error["message"])
        self.nothing_more(peer)

    def test_ft_082_an_unknown_target_is_named(self):
        error = self.refused(self.ctl("unknown"), "UnknownTarget", 6)
        self.assertIn("nosuch/app1.mutual.test", error["message"])
        self.assertEqual(self.said("app1"), "")

    # Frames

    def test_ft_083_a_broken_length_ends_the_connection_at_once_and_costs_no_memory(self):
        before = self.memory_of_channels("app1")
        for length in BROKEN_LENGTHS * 10:
            peer = self.peer()
            peer.raw(struct.pack(">I", length))
            began = time.monotonic()
            self.nothing_more(peer)
            self.assertLess(time.monotonic() - began, 5)  # the handshake might take 10 s
        self.no_memory_was_spent("app1", before)
        for length in BROKEN_LENGTHS:
            self.logged("app1", f"announced a token of {length} octets")
        self.nobody_was_served()

    def test_ft_083_a_broken_length_from_an_acceptor_ends_the_request_at_once(self):
        before = self.memory_of_channels("client1")
        for length in BROKEN_LENGTHS:
            with self.subTest(length=length):
                program, peer = self.opening("--timeout", "30s")
                peer.next_frame()
                peer.raw(struct.pack(">I", length))
                error = self.refused(program, "Protocol", 1)
                self.assertIn(f"announced a token of {length} octets", error["message"])
                self.nothing_more(peer)
        self.no_memory_was_spent("client1", before)

    def test_a_peer_of_a_plaintext_protocol_is_told_apart(self):
        for banner in BANNERS:
            with self.subTest(banner=banner):
                peer = self.peer()
                peer.raw(banner)
                self.refused_by_acceptor(peer, "peer does not speak wire gss")
                error, peer = self.answered_with(lambda peer: peer.raw(banner), "Protocol", 1)
                self.assertIn("plaintext protocol", error["hint"])

    def test_an_initiator_that_leaves_in_any_phase_leaves_nothing(self):
        token = framed(self.peer().first_token(SPN, self.cache()))
        for sent, why in ((b"", "before the handshake was complete"), (token[:2], "2 of 4 octets of a length"),
                          (token[:100], "connection ended within a token: 96 of")):
            with self.subTest(sent=len(sent)):
                peer = self.peer()
                peer.raw(sent)
                peer.end()
                self.refused_by_acceptor(peer, why)

    def test_an_acceptor_that_leaves_in_any_phase_is_told_apart(self):
        keytab = self.world.keytab("app1", "ledger")
        for size, code, status in ((0, "RefusedByPeer", 6), (2, "Protocol", 1), (50, "Protocol", 1)):
            with self.subTest(sent=size):
                self.answered_with(lambda peer: peer.raw(framed(peer.take(keytab))[:size]), code, status)

    # Time and number

    def test_ft_084_a_silent_or_slow_initiator_is_dropped_when_the_handshakes_time_is_over(self):
        silent, half, slow = (self.peer(PORTS["brief"]) for _ in range(3))
        began = time.monotonic()
        token = framed(slow.first_token(SPN, self.cache()))
        half.raw(token[:len(token) // 2])

        def drip():
            with contextlib.suppress(OSError):
                for octet in token:
                    slow.raw(bytes([octet]))
                    time.sleep(0.02)
        with self.meanwhile(drip):
            for peer in (silent, half, slow):
                self.nothing_more(peer)
                self.assertGreater(time.monotonic() - began, 0.8)
                self.assertLess(time.monotonic() - began, 4)
        eventually(lambda: self.said("app1").count("waiting for the peer when its time was over") == 3,
                   what="three reasons in the log")
        self.nobody_was_served()

    def test_ft_084_an_acceptor_that_never_answers_costs_the_deadline(self):
        request = {"request": {"service": "fake", "timeoutMilliseconds": 1000}}
        for sent in (b"", b"\0\0", framed(b"x" * 100)[:60]):
            with self.subTest(sent=len(sent)), self.listening() as listener:
                link = self.varlink("client1", user="alice")
                self.addCleanup(link.close)
                began = time.monotonic()
                link.send("org.mutuald.Broker.Open", request)
                peer = gss_peer.Peer(listener.accept()[0])
                self.addCleanup(peer.close)
                peer.next_frame()
                peer.raw(sent)
                reply = link.receive()
                took = time.monotonic() - began
                self.assertEqual(reply.get("error"), "org.mutuald.Broker.TimedOut", reply)
                self.assertGreaterEqual(took, 0.85)
                self.assertLess(took, 3)
                self.nothing_more(peer)

    def test_handshakes_and_connections_above_the_limits_are_refused_and_live_channels_stay(self):
        live = [self.initiated(PORTS["narrow"])]
        waiting = [self.peer(PORTS["narrow"]) for _ in range(2)]
        self.no_room()  # for a third handshake of two
        self.logged("app1", "the service is at its limit")
        for peer in waiting:
            self.assertTrue(peer.initiate(SPN, self.cache()))
            live.append((peer, self.served()))
        self.no_room()  # for a fourth connection of three
        for peer, served in live:
            peer.send(b"still here")
            self.assertEqual(served.exactly(10), b"still here")
        for each in live.pop():
            each.close()
        eventually(self.there_is_room, what="room for one more")

    def no_room(self):
        with contextlib.suppress(ConnectionError):  # it may be ended before Python knows that it was made
            self.nothing_more(self.peer(PORTS["narrow"]))

    def there_is_room(self):
        with contextlib.suppress(ConnectionError):
            if self.peer(PORTS["narrow"]).initiate(SPN, self.cache()):
                self.served()
                return True
        return False

    # Configuration

    def test_ft_088_no_option_lowers_the_protection_of_an_initiator(self):
        for number, option in enumerate(LOWERED):
            with self.subTest(option=option), self.listening() as listener:
                self.refused(self.ctl(f"lowered-{number}"), "InvalidConfiguration", 1)
                listener.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    peer = gss_peer.Peer(listener.accept()[0])
                    self.addCleanup(peer.close)
                    self.nothing_more(peer)

    def test_ft_088_no_option_lowers_the_protection_of_an_acceptor(self):
        with contextlib.suppress(ConnectionError):  # it may be ended before Python knows that it was made
            peer = self.peer(PORTS["lowered"])
            self.assertFalse(peer.initiate(SPN, self.cache()), "a service with an unknown option let a client in")
        self.logged("app1", "InvalidConfiguration")
        self.assertIn("confidentiality", self.said("app1"))
        self.nobody_was_served()


if __name__ == "__main__":
    main()
