# SPDX-License-Identifier: Apache-2.0
"""Channels of wire `gss` between the running daemons and a foreign implementation: both roles, every octet checked."""
import socket
import struct
import time

import gssapi.raw as gss

import gss_peer
import host
import kerberos
from gss_peer import FLAG, MOST_RECORD, USUAL, framed
from harness import eventually, main
from peers import PORTS, SPN, Peers

MEGABYTE = bytes(range(256)) * 4096
PROTECTION = {FLAG.mutual_authentication, FLAG.integrity, FLAG.confidentiality, FLAG.replay_detection,
              FLAG.out_of_sequence_detection}


class ForeignPeers(Peers):
    """They speak the protocol as well as ours do, until a test has them break it in mid-stream."""

    def test_python_initiates_and_each_direction_carries_a_megabyte(self):
        peer, served = self.initiated()
        self.assertEqual(served.peer, f"alice@{host.REALM}")
        with self.meanwhile(lambda: (peer.send(MEGABYTE), peer.finish())):
            self.assertEqual(served.rest(), MEGABYTE)
        with self.meanwhile(lambda: (served.socket.sendall(MEGABYTE), served.end())):
            self.assertEqual(peer.receive_all(), MEGABYTE)
        self.assertEqual(peer.rest(), (b"", "end"))
        self.assertEqual(self.verdict("app1", served.channel), "authenticated")

    def test_python_accepts_and_each_direction_carries_a_megabyte(self):
        program, peer = self.opened()
        self.assertEqual(peer.name, f"alice@{host.REALM}")
        with self.meanwhile(lambda: (program.stdin.write(MEGABYTE), program.stdin.close())):
            self.assertEqual(peer.receive_all(), MEGABYTE)
        program.stdin = None
        with self.meanwhile(lambda: (peer.send(MEGABYTE), peer.finish())):
            said = self.ended(program, 0, MEGABYTE)
        self.assertEqual(self.verdict("client1", self.channel_in(said)), "authenticated")

    def test_the_initiators_end_leaves_the_other_direction_open(self):
        peer, served = self.initiated()
        peer.send(b"all I have")
        peer.finish()
        self.assertEqual(served.rest(), b"all I have")
        served.socket.sendall(b"an answer after your end")
        served.end()
        self.assertEqual(peer.receive_all(), b"an answer after your end")

    def test_the_acceptors_end_leaves_the_other_direction_open(self):
        program, peer = self.opened()
        peer.send(b"all I have")
        peer.finish()
        self.assertEqual(program.stdout.read(), b"all I have")
        program.stdin.write(b"a question after your end")
        program.stdin.close()
        program.stdin = None
        self.assertEqual(peer.receive_all(), b"a question after your end")
        self.ended(program, 0)

    def test_a_first_record_in_one_packet_with_the_last_token_is_delivered(self):
        program, peer = self.opening()
        token = peer.take(self.world.keytab("app1", "ledger"))
        peer.raw(framed(token) + framed(peer.seal(b"at once")) + framed(peer.seal(b"")))
        self.ended(program, 0, b"at once")

    def test_ft_077_our_initiator_asks_for_every_protection(self):
        program, peer = self.opened()
        self.assertEqual(PROTECTION - peer.flags, set())
        peer.finish()
        self.ended(program, 0)

    def test_ft_090_our_initiator_delegates_nothing_though_its_ticket_could(self):
        shown = self.must("client1", "klist", "-f", user="alice")
        self.assertRegex(shown, r"krbtgt/[^\n]*\n[^\n]*Flags: [A-Za-z]*F")
        program, peer = self.opened()
        self.assertIsNone(peer.delegated)
        self.assertEqual(peer.flags & {FLAG.delegate_to_peer, FLAG.ok_as_delegate}, set())
        peer.finish()
        self.ended(program, 0)

    def test_ft_090_credentials_that_a_client_delegates_are_not_kept(self):
        find = ["find", "/tmp", "/var/tmp", "/run", "-name", "*krb5cc*"]
        before = self.must("app1", *find)
        peer = self.peer()
        with gss_peer.network_of(self.world, "client1"):  # a forwarded ticket comes from the KDC
            self.assertTrue(peer.initiate(SPN, self.cache(), USUAL | {FLAG.delegate_to_peer}))
        self.assertIn(FLAG.delegate_to_peer, peer.flags)
        self.served()
        self.assertEqual(self.must("app1", *find), before)

    def test_ft_089_the_acceptor_logs_the_name_that_it_was_asked_for(self):
        self.initiated()
        self.logged("app1", f"admitted alice@{host.REALM}")
        admitted = next(line for line in self.said("app1").splitlines() if "admitted alice" in line)
        self.assertIn(f"spn={SPN} ", admitted)

    # How streams end

    def test_a_bare_end_of_the_connection_is_not_the_end_of_the_clients_stream(self):
        peer, served = self.initiated()
        peer.send(b"perhaps not all")
        peer.end()
        self.assertEqual(served.rest(), b"perhaps not all")
        served.end()
        self.assertEqual(peer.receive_all(), b"")
        self.ends_with("app1", served.channel, "unauthenticated")

    def test_a_bare_end_of_the_connection_fails_mutualctl_with_status_8(self):
        program, peer = self.opened()
        peer.send(b"perhaps not all")
        peer.end()
        said = self.ended(program, 8, b"perhaps not all")
        self.assertEqual(peer.receive_all(), b"")
        self.ends_with("client1", self.channel_in(said), "unauthenticated")

    def test_an_end_within_a_record_is_a_reset(self):
        self.both_reset_after(lambda peer: (peer.raw(framed(peer.seal(b"never whole"))[:40]),
                                            peer.end()))

    def test_a_connection_that_is_reset_is_no_end_of_the_stream(self):
        peer, served = self.initiated()
        peer.send(b"perhaps not all")
        self.assertEqual(served.exactly(15), b"perhaps not all")
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        self.assertEqual(served.rest(), b"")
        self.ends_with("app1", served.channel, "reset")

    def test_a_record_after_the_authenticated_end_is_not_delivered_and_ends_the_channel(self):
        peer, served = self.initiated()
        peer.finish()
        peer.send(b"one thing more")
        self.assertEqual(served.rest(), b"")
        self.assertEqual(peer.rest()[0], b"")  # above all no authenticated end of ours
        self.ends_with("app1", served.channel, "authenticated")  # so far it was

    def test_an_idle_channel_ends_without_an_authenticated_end(self):
        began = time.monotonic()
        peer, served = self.initiated(PORTS["idle"])
        self.assertEqual(served.rest(), b"")
        self.assertGreater(time.monotonic() - began, 0.9)
        self.assertLess(time.monotonic() - began, 5)
        self.ends_with("app1", served.channel, "unauthenticated")
        self.assertEqual(peer.rest()[0], b"")

    def test_ft_091_the_tickets_end_is_the_channels_end_in_either_role(self):
        cache = "FILE:/tmp/short"
        self.must("client1", "kinit", "-l", "12s", "-c", cache, "alice", user="alice",
                  input=kerberos.password("alice") + "\n")
        program, acceptor = self.opening("--cache", cache)
        acceptor.accept(self.world.keytab("app1", "ledger"))
        acceptor.send(b"alive")
        initiator = self.peer()
        with gss_peer.network_of(self.world, "client1"):  # the KDC gives the service's ticket
            self.assertTrue(initiator.initiate(SPN, "FILE:" + self.world.inside("client1", "/tmp/short")))
        served = self.served()
        initiator.send(b"alive")
        self.assertEqual(served.rest(), b"alive")
        self.assertEqual(initiator.rest()[0], b"")
        self.ends_with("app1", served.channel, "expired")
        self.assertEqual(acceptor.rest()[0], b"")
        self.ends_with("client1", self.channel_in(self.ended(program, 8, b"alive")), "expired")

    # Records as they should not be

    def ends_with(self, name, channel, verdict):
        eventually(lambda: self.verdict(name, channel) is not None, what=f"the end of {channel}")
        self.assertEqual(self.verdict(name, channel), verdict)

    def both_reset_after(self, attack):
        """In either role, a good record is delivered, nothing of the attack is, and the channel is reset."""
        with self.subTest(role="initiator"):
            peer, served = self.initiated()
            peer.send(b"good")
            self.assertEqual(served.exactly(4), b"good")
            attack(peer)
            self.assertEqual(served.rest(), b"")
            self.assertEqual(peer.rest(), (b"", "reset"))
            self.ends_with("app1", served.channel, "reset")
        with self.subTest(role="acceptor"):
            program, peer = self.opened()
            peer.send(b"good")
            self.assertEqual(program.stdout.read(4), b"good")
            attack(peer)
            self.assertEqual(peer.rest(), (b"", "reset"))
            said = self.ended(program, 8)
            self.ends_with("client1", self.channel_in(said), "reset")

    def test_ft_085_clear_text_after_the_handshake_is_a_reset(self):
        self.both_reset_after(lambda peer: peer.frame(b"as if it were nothing"))

    def test_ft_085_a_record_with_integrity_only_is_a_reset(self):
        self.both_reset_after(lambda peer: peer.frame(peer.seal(b"for all to read", confidential=False)))

    def test_ft_086_an_altered_record_is_a_reset(self):
        for place in (2, 20, -1):  # its flags, its cipher text, its check sum
            def altered(peer, place=place):
                record = bytearray(peer.seal(b"the balance is 42"))
                record[place] ^= 1
                peer.frame(record)
            self.both_reset_after(altered)

    def test_ft_086_a_replayed_record_is_a_reset(self):
        self.both_reset_after(lambda peer: peer.raw(peer.last_frame))

    def test_ft_086_reordered_records_are_a_reset(self):
        def reordered(peer):
            first, second = peer.seal(b"first"), peer.seal(b"second")
            peer.raw(framed(second) + framed(first))
        self.both_reset_after(reordered)

    def test_ft_086_a_dropped_record_is_a_reset(self):
        def dropped(peer):
            peer.seal(b"never sent")
            peer.frame(peer.seal(b"the next one"))
        self.both_reset_after(dropped)

    def test_ft_086_records_of_another_channel_are_a_reset(self):
        other, _ = self.initiated()
        self.both_reset_after(lambda peer: peer.frame(other.seal(b"from elsewhere")))

    def test_ft_086_a_record_sent_back_to_its_sender_is_a_reset(self):
        program, peer = self.opened()
        program.stdin.write(b"mine")
        program.stdin.flush()
        record = peer.next_frame()
        peer.frame(record)
        said = self.ended(program, 8)
        self.ends_with("client1", self.channel_in(said), "reset")

    # Sizes

    def test_ft_087_the_largest_record_is_delivered(self):
        peer, served = self.initiated()
        most = gss.wrap_size_limit(peer.context, MOST_RECORD)
        record = peer.seal(MEGABYTE[:most])
        self.assertEqual(len(record), MOST_RECORD)
        peer.frame(record)
        self.assertEqual(served.exactly(most), MEGABYTE[:most])

    def test_ft_087_a_larger_record_is_refused_from_its_length_alone(self):
        self.both_reset_after(lambda peer: peer.raw(struct.pack(">I", MOST_RECORD + 1)))

    def test_ft_083_a_record_without_octets_is_a_reset(self):
        self.both_reset_after(lambda peer: peer.raw(struct.pack(">I", 0)))

    def test_ft_087_large_writes_are_split_into_records_of_the_usual_size(self):
        peer, served = self.initiated()
        sizes, got = [], 0
        with self.meanwhile(lambda: served.socket.sendall(MEGABYTE)):
            while got < len(MEGABYTE):
                record = peer.next_frame()
                sizes.append(len(record))
                got += len(peer.open(record))
        self.assertLessEqual(max(sizes), 16384 + 60)
        self.assertLessEqual(max(sizes), MOST_RECORD)

    def test_ft_087_an_empty_plaintext_goes_both_ways_as_the_end(self):
        peer, served = self.initiated()
        peer.frame(peer.seal(b""))
        self.assertEqual(served.rest(), b"")
        served.end()
        self.assertEqual(peer.receive(), b"")
        self.assertEqual(peer.rest(), (b"", "end"))


if __name__ == "__main__":
    main()
