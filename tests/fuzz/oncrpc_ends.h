// SPDX-License-Identifier: Apache-2.0
// For the targets of `oncrpc`: its Sessions over fakes, and messages as their programs write them.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "plugins/oncrpc/transport.h"
#include "tests/fakes/network.h"
#include "tests/fuzz/contract.h"
#include "tests/fuzz/input.h"
#include "wire/rpc_message.h"
#include "wire/rpc_record.h"
#include "wire/rpcsec_gss.h"

namespace mutual::fuzz {

using namespace fakes;
using Octets = std::vector<std::byte>;

inline constexpr std::uint32_t the_program = 200001, the_version = 2;
inline constexpr std::size_t longest_record = 4096;

inline Transport& transport() {
    static const std::unique_ptr<Transport> made = std::move(oncrpc::make_transport("")).value();
    return *made;
}

inline wire::GssService service_of(std::uint8_t choice) {
    return static_cast<wire::GssService>(1 + choice % 3U);
}

inline std::string options_of(wire::GssService service) {
    constexpr std::string_view names[] = {"none", "integrity", "privacy"};
    return R"({"program":200001,"versions":[2],"max_record":4096,"service":")" +
           std::string(names[static_cast<std::uint32_t>(service) - 1]) + "\"}";
}

inline void set_flags(FakeHost& host) { host.flags.replay = host.flags.sequence = false; }

inline void append(Octets& to, Bytes octets) { to.insert(to.end(), octets.begin(), octets.end()); }

inline Octets marked(Bytes message, bool is_last = true) {
    auto mark = wire::mark_of(message.size());
    if (!is_last) mark[0] &= std::byte{0x7f};
    Octets octets(mark.begin(), mark.end());
    append(octets, message);
    return octets;
}

// The whole records of a stream, each without its mark. A Session writes no half ones.
inline std::vector<Octets> records_of(Octets stream) {
    std::vector<Octets> all;
    wire::RecordReader reader(wire::largest_record);
    for (MutableBytes input(stream); !input.empty();) {
        const auto record = reader.next(input);
        require(record.ok() && record->has_value(), "a Session writes whole records");
        all.emplace_back((*record)->begin(), (*record)->end());
    }
    return all;
}

inline wire::Call call_in(Octets& record) {
    const auto call = wire::read_call(record);
    require(call.ok() && call->rpc == wire::rpc_version, "a Session writes good calls");
    return *call;
}

inline wire::Reply reply_in(Octets& record) {
    const auto reply = wire::read_reply(record);
    require(reply.ok(), "a Session writes good replies");
    return *reply;
}

// A plain reply as a server writes it.
inline Octets plain_reply(std::uint32_t xid, wire::AcceptStatus status, Bytes results) {
    wire::XdrWriter out;
    wire::put_accepted(out, xid, {}, status);
    out.raw(results);
    return out.take();
}

// A plain call as a program writes it.
inline Octets plain_call(std::uint32_t xid, std::uint32_t procedure, Bytes arguments) {
    wire::XdrWriter out;
    wire::put_call(out, xid, the_program, the_version, procedure);
    wire::put_auth(out, wire::AuthFlavor::none, {});
    wire::put_auth(out, wire::AuthFlavor::none, {});
    out.raw(arguments);
    return out.take();
}

// A message that is spoilt as the script says: an octet is changed, the end is cut off, or something follows.
inline void spoil(Octets& message, Input& script) {
    const auto how = script.octet() % 3U;
    if (how == 0 && !message.empty())
        message[script.two_octets() % message.size()] ^= std::byte{script.octet()};
    if (how == 1) message.resize(script.two_octets() % (message.size() + 1));
    if (how == 2) append(message, bytes_of(script.octets(script.octet() % 32U)));
}

// A message in one fragment, or in two.
inline Octets record_of(const Octets& message, bool in_two) {
    if (!in_two) return marked(message);
    const std::size_t half = message.size() / 2;
    Octets octets = marked(Bytes(message).first(half), false);
    append(octets, marked(Bytes(message).subspan(half)));
    return octets;
}

// Two good ends that are through the handshake.
struct Ends {
    explicit Ends(wire::GssService service) : net(transport(), options_of(service)) {
        set_flags(net.initiator);
        set_flags(net.acceptor);
        net.start();
        net.run();
        require(net.initiator.is_established && net.acceptor.is_established,
                "two good ends find to each other");
    }
    ~Ends() {
        require_contract(net.initiator);
        require_contract(net.acceptor);
    }
    Ends(const Ends&) = delete;
    Ends& operator=(const Ends&) = delete;

    FakeNetwork net;
};

// What came of a stream, for comparing.
struct Outcome {
    std::vector<std::string> events;
    std::string to_program, to_network, error;
    std::optional<Verdict> program_verdict, ended;
    bool operator==(const Outcome&) const = default;
};

// How often the host was asked for a step of a handshake. Its answer comes before what follows in the stream,
// or behind it, as the stream is cut.
inline auto steps_in(const Outcome& outcome) {
    return std::count_if(outcome.events.begin(), outcome.events.end(),
                         [](const std::string& event) { return event.starts_with("step"); });
}

inline Outcome outcome_of(FakeHost& host) {
    return {host.events,
            text_of(host.program_out.take()),
            text_of(host.network_out.take()),
            host.error ? to_string(*host.error) : "",
            host.program_verdict,
            host.ended};
}

}  // namespace mutual::fuzz
