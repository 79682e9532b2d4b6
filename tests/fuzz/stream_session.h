// SPDX-License-Identifier: Apache-2.0
// Scenes for the Session of a transport whose frames are those of wire `gss`, both roles, with security
// contexts that are fakes: so the fuzzer gets through the handshake and to the records behind it. The first
// octet chooses the scene, the rest is its script. The target says which transport().
#pragma once

#include "tests/fakes/network.h"
#include "tests/fuzz/contract.h"
#include "tests/fuzz/input.h"
#include "wire/gss_frame.h"

namespace mutual::fuzz {

using namespace fakes;
using Octets = std::vector<std::byte>;

Transport& transport();

inline void append(Octets& to, Bytes octets) { to.insert(to.end(), octets.begin(), octets.end()); }

// A peer who has a valid context, and sends what it likes.
class HostilePeer {
public:
    explicit HostilePeer(Role role) : context_(role, 42) {}

    // The stream, as the script says: whole records good and bad, and octets of any kind.
    Octets stream(Input& script) {
        Octets octets;
        for (int i = 0; i < 32 && !script.empty(); ++i) append(octets, next(script));
        return octets;
    }

private:
    Octets next(Input& script) {
        const auto what = script.octet();
        switch (what % 8) {
            case 0:  // octets without a frame
                return bytes_of(script.octets(script.octet()));
            case 1: {  // a frame that holds no record
                const std::string body = script.octets(script.octet());
                return framed(bytes_of(body));
            }
            case 2:  // the last one again
                return last_;
            case 3:  // one that is lost
                record(script);
                return {};
            case 4: {  // one that is altered
                Octets octets = record(script);
                octets[script.two_octets() % octets.size()] ^= std::byte{script.octet()};
                return octets;
            }
            case 5:  // one without confidentiality
                context_.seals_integrity_only = true;
                record(script);
                context_.seals_integrity_only = false;
                return last_;
            case 6:  // end of stream
                return seal("");
            default:
                return record(script);
        }
    }

    Octets record(Input& script) { return seal(script.octets(script.octet())); }

    Octets seal(const std::string& plaintext) {
        Octets room(FakeSecurityContext::header + plaintext.size() + FakeSecurityContext::trailer);
        const Octets text = bytes_of(plaintext);
        std::copy(text.begin(), text.end(), room.begin() + FakeSecurityContext::header);
        require(context_.seal(room, plaintext.size()).ok(), "the fake seals");
        return last_ = framed(room);
    }

    static Octets framed(Bytes body) {
        Octets octets(wire::frame_header);
        wire::put_length(octets, body.size());
        append(octets, body);
        return octets;
    }

    FakeSecurityContext context_;
    Octets last_;
};

struct Outcome {
    std::vector<std::string> events;
    std::string to_program, to_network, error;
    std::optional<Verdict> program_verdict, ended;
    bool operator==(const Outcome&) const = default;
};

inline Outcome receive(Role role, Bytes stream, std::size_t piece, bool stops_sending) {
    FakeNetwork net(transport(), "{}");
    net.start();
    net.run();
    FakeHost& host = role == Role::initiator ? net.initiator : net.acceptor;
    require(host.is_established, "two good ends find to each other");
    if (stops_sending) host.session->program_end();
    feed(host, stream, std::max<std::size_t>(1, piece));
    if (!host.ended) host.session->network_end();
    require_contract(host);
    require(host.ended || host.program_verdict, "after the connection's end the program's stream has one");
    return {host.events,
            net.received(host),
            text_of(host.network_out.take()),
            host.error ? to_string(*host.error) : "",
            host.program_verdict,
            host.ended};
}

// Behind the handshake: whatever way the peer's stream is cut, the same comes of it.
inline void hostile_records(Role role, Input& script) {
    const bool stops_sending = (script.octet() & 1U) != 0;
    const std::size_t piece = 1U + script.octet();
    const Octets stream =
        HostilePeer(role == Role::initiator ? Role::acceptor : Role::initiator).stream(script);
    const Outcome whole = receive(role, stream, stream.size(), stops_sending);
    require(receive(role, stream, 1, stops_sending) == whole, "octet by octet the same is received");
    require(receive(role, stream, piece, stops_sending) == whole, "in pieces the same is received");
}

// Before it: any octets, and a host that answers when it likes.
inline void hostile_handshake(Role role, Input& script) {
    FakeHost host(role);
    auto session = transport().session({role, "{}"}, host);
    require(session.ok(), "a Session is made");
    host.session = session->get();
    const auto knobs = script.octet();
    host.admits = (knobs & 1U) == 0;
    host.flags.mutual = (knobs & 2U) == 0;
    host.flags.sequence = (knobs & 4U) == 0;
    if ((knobs & 8U) != 0) host.step_error = Error{Code::wrong_peer, Stage::handshake, "step: refused"};
    if ((knobs & 16U) != 0) host.error_token = bytes_of("error");
    host.session->start();
    bool network_ended = false;
    for (int i = 0; i < 64 && !script.empty() && !host.ended; ++i) {
        const auto what = script.octet();
        if (what % 4 == 0) {
            host.answer_one();
        } else if (what == 255 && !network_ended) {
            network_ended = true;
            host.session->network_end();
        } else if (what % 4 == 1) {
            const Octets data = bytes_of(script.octets(what));
            if (host.is_established) host.session->program_bytes(data);
        } else if (what % 4 == 2 && host.is_established) {
            host.session->program_end();
        } else if (!network_ended && (host.is_established || !host.owes_answers())) {
            Octets data = bytes_of(script.octets(what));
            host.session->network_bytes(data);
        }
    }
    host.answer_all();
    if (!host.ended && !network_ended) host.session->network_end();
    host.answer_all();
    require_contract(host);
    if (host.is_established)
        require((role == Role::initiator || host.admits) && host.flags.mutual && host.flags.sequence,
                "only a full context, and one that is admitted, is established");
}

// One direction of a channel: what one program sent, and what came of it at the other.
struct Direction {
    FakeHost& from;
    FakeHost& to;
    std::string sent, received;
    bool sender_ended = false;
};

inline void flip(Octets& octets, Input& script) {
    const std::size_t at = script.two_octets() % octets.size();
    octets[at] ^= std::byte{1} << (script.octet() % 8U);
}

inline void move(Direction& way, Input& script, std::uint8_t how) {
    Octets octets = way.from.network_out.take();
    if (how == 6 && !octets.empty()) flip(octets, script);
    if (how == 7 && !octets.empty()) {  // a piece is lost, or comes twice
        const std::size_t at = script.two_octets() % octets.size();
        const std::size_t size = script.octet() % (octets.size() - at);
        const auto piece = Octets(octets.begin() + static_cast<std::ptrdiff_t>(at),
                                  octets.begin() + static_cast<std::ptrdiff_t>(at + size));
        const auto place = octets.begin() + static_cast<std::ptrdiff_t>(at);
        if (script.octet() % 2 == 0)
            octets.erase(place, place + static_cast<std::ptrdiff_t>(size));
        else
            octets.insert(place, piece.begin(), piece.end());
    }
    feed(way.to, octets, 1U + script.octet());
}

inline void collect(Direction& way) {
    way.received += text_of(way.to.program_out.take());
    require(way.sent.starts_with(way.received), "a program gets what the other sent, from its beginning");
    if (way.to.program_verdict == Verdict::authenticated)
        require(way.sender_ended && way.received == way.sent,
                "an authenticated end comes after all that was sent");
}

// Two good ends, and a network that does what it likes.
inline void hostile_network(Input& script) {
    FakeNetwork net(transport(), "{}");
    net.start();
    net.run();
    Direction ways[] = {{net.initiator, net.acceptor, {}, {}}, {net.acceptor, net.initiator, {}, {}}};
    for (int i = 0; i < 64 && !script.empty(); ++i) {
        const auto what = script.octet();
        Direction& way = ways[what % 2];
        const auto how = static_cast<std::uint8_t>(what / 2 % 8);
        if (how <= 1 && !way.from.ended && !way.sender_ended) {
            const std::string text = script.octets(script.octet());
            way.sent += text;
            net.send(way.from, text);
        } else if (how == 2 && !way.from.ended && !way.sender_ended) {
            way.sender_ended = true;
            way.from.session->program_end();
        } else if (how >= 4) {
            move(way, script, how);
        }
        for (Direction& each : ways) collect(each);
    }
    for (Direction& way : ways) {
        if (!way.to.ended) way.to.session->network_end();
        collect(way);
        require_contract(way.to);
    }
}

inline void run_scene(const std::uint8_t* data, std::size_t size) {
    Input script(data, size);
    const auto scene = script.octet() % 8U;
    const auto role = scene % 2 == 0 ? Role::acceptor : Role::initiator;
    if (scene < 4)
        hostile_records(role, script);
    else if (scene < 6)
        hostile_handshake(role, script);
    else
        hostile_network(script);
}

}  // namespace mutual::fuzz
