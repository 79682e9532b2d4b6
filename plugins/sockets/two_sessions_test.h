// SPDX-License-Identifier: Apache-2.0
// For the tests of this folder: two Sessions over fakes, and small helpers. Every test also fails if a
// Session broke its contract with the host.
#pragma once

#include <gtest/gtest.h>

#include "plugins/sockets/transport.h"
#include "tests/fakes/network.h"
#include "wire/gss_frame.h"

namespace mutual::sockets {

using fakes::bytes_of;
using fakes::FakeHost;
using fakes::FakeNetwork;
using fakes::feed;
using fakes::text_of;
using Octets = std::vector<std::byte>;
using Events = std::vector<std::string>;

inline Octets frame(std::size_t announced, std::string_view body) {
    Octets octets(wire::frame_header);
    wire::put_length(octets, announced);
    const auto tail = bytes_of(body);
    octets.insert(octets.end(), tail.begin(), tail.end());
    return octets;
}

inline Octets frame(std::string_view body) { return frame(body.size(), body); }

class TwoSessions : public testing::Test {
protected:
    ~TwoSessions() override {
        EXPECT_EQ(net.initiator.violations, Events{});
        EXPECT_EQ(net.acceptor.violations, Events{});
    }

    void establish() {
        net.start();
        net.run();
        ASSERT_TRUE(net.initiator.is_established && net.acceptor.is_established);
    }

    // The initiator's first token, taken off the network.
    Octets first_token() {
        net.start();
        net.initiator.answer_all();
        return net.initiator.network_out.take();
    }

    // One sealed record of the initiator, taken off the network.
    Octets record(std::string_view text) {
        net.send(net.initiator, text);
        return net.initiator.network_out.take();
    }

    std::unique_ptr<Transport> transport = std::move(make_transport("")).value();
    FakeNetwork net{*transport};
};

inline Error error_of(const FakeHost& host) { return host.error.value_or(Error{}); }

inline void expect_end(const FakeHost& host, Verdict verdict, Code code, std::string_view text) {
    ASSERT_EQ(host.ended, verdict);
    ASSERT_TRUE(host.error);
    EXPECT_EQ(name(host.error->code), name(code));
    EXPECT_NE(host.error->message.find(text), std::string::npos) << host.error->message;
}

}  // namespace mutual::sockets
