# SPDX-License-Identifier: Apache-2.0
"""Dialect `libknc` of wire `gss`, against Python that speaks it as the library does: ends and errors are commands."""
from harness import eventually, main
from peers import PORTS, Peers

MEGABYTE = bytes(range(256)) * 4096
NO_MORE, READS_NO_MORE, BOTH = b"\0", b"\1", b""
MOST_OF_LIBKNC = 8192


def command(peer, body):
    """An empty record announces a command; the next record is its body."""
    peer.frame(peer.seal(b""))
    peer.frame(peer.seal(body))


def send(peer, data):
    for start in range(0, len(data), MOST_OF_LIBKNC):
        peer.frame(peer.seal(data[start:start + MOST_OF_LIBKNC]))


def receive_all(peer):
    """The data up to the first command, and that command's body."""
    data = bytearray()
    while part := peer.receive():
        data += part
    if part is None:
        raise EOFError("the connection ended without a command")
    return bytes(data), peer.receive()


class Libknc(Peers):
    def initiated(self, port=PORTS["libknc"], **more):
        return super().initiated(port, **more)

    def opened(self, service="fake-libknc"):
        return super().opened(service)

    def test_python_initiates_and_each_direction_carries_a_megabyte(self):
        peer, served = self.initiated()
        with self.meanwhile(lambda: (send(peer, MEGABYTE), command(peer, NO_MORE))):
            self.assertEqual(served.rest(), MEGABYTE)
        with self.meanwhile(lambda: (served.socket.sendall(MEGABYTE), served.end())):
            self.assertEqual(receive_all(peer), (MEGABYTE, NO_MORE))
        self.assertEqual(peer.rest(), (b"", "end"))
        self.assertEqual(self.verdict("app1", served.channel), "authenticated")

    def test_python_accepts_and_each_direction_carries_a_megabyte(self):
        program, peer = self.opened()
        with self.meanwhile(lambda: (program.stdin.write(MEGABYTE), program.stdin.close())):
            self.assertEqual(receive_all(peer), (MEGABYTE, NO_MORE))
        program.stdin = None
        with self.meanwhile(lambda: (send(peer, MEGABYTE), command(peer, NO_MORE))):
            said = self.ended(program, 0, MEGABYTE)
        self.assertEqual(self.verdict("client1", self.channel_in(said)), "authenticated")

    def test_ours_speak_it_to_each_other(self):
        program = self.ctl("libknc")
        served = self.served()
        program.stdin.write(MEGABYTE)
        program.stdin.close()
        program.stdin = None
        self.assertEqual(served.rest(), MEGABYTE)
        served.socket.sendall(b"an answer after your end")
        served.end()
        self.ended(program, 0, b"an answer after your end")

    def test_an_end_leaves_the_other_direction_and_the_connection_open(self):
        peer, served = self.initiated()
        served.socket.sendall(b"first")
        served.end()
        self.assertEqual(receive_all(peer), (b"first", NO_MORE))
        send(peer, b"later")
        command(peer, NO_MORE)
        self.assertEqual(served.rest(), b"later")
        self.assertEqual(peer.rest(), (b"", "end"))

    def test_one_command_ends_both_streams(self):
        peer, served = self.initiated()
        send(peer, b"all")
        command(peer, BOTH)
        self.assertEqual(served.rest(), b"all")
        self.assertEqual(receive_all(peer), (b"", NO_MORE))
        self.ends_with("app1", served.channel, "authenticated")

    def test_a_peer_that_reads_no_more_is_told_our_end_at_once(self):
        peer, served = self.initiated()
        command(peer, READS_NO_MORE)
        self.assertEqual(receive_all(peer), (b"", NO_MORE))
        send(peer, b"but sends")
        command(peer, NO_MORE)
        self.assertEqual(served.rest(), b"but sends")

    def test_an_unknown_command_is_answered_with_its_number(self):
        peer, _ = self.initiated()
        command(peer, b"\0\0\0\7keepalive@example.org\0\0\0\0\0")
        self.assertEqual(receive_all(peer), (b"", b"\0\0\0\7dont_understand\0\0\0\0\0"))

    def test_a_connection_that_just_ends_is_an_error(self):
        peer, served = self.initiated()
        send(peer, b"perhaps not all")
        peer.end()
        self.assertEqual(served.rest(), b"perhaps not all")
        self.ends_with("app1", served.channel, "unauthenticated")

    def test_a_peer_of_the_other_dialect_does_not_end_well(self):
        program = self.ctl("mistaken")
        served = self.served()
        program.stdin.close()
        program.stdin = None
        self.assertEqual(served.rest(), b"")
        self.ends_with("app1", served.channel, "unauthenticated")
        self.ended(program, 8)

    def ends_with(self, name, channel, verdict):
        eventually(lambda: self.verdict(name, channel) == verdict, what=f"the verdict {verdict}")


del Peers

if __name__ == "__main__":
    main()
