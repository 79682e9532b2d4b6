// SPDX-License-Identifier: Apache-2.0
// For the tests of this folder: the two Sessions over fakes, a program that calls and a server that answers.
// Every test also fails if a Session broke its contract with the host.
#pragma once

#include <gtest/gtest.h>

#include "plugins/oncrpc/records.h"
#include "plugins/oncrpc/transport.h"
#include "tests/fakes/network.h"
#include "wire/rpc_message.h"
#include "wire/rpcsec_gss.h"

namespace mutual::oncrpc {

using fakes::bytes_of;
using fakes::FakeHost;
using fakes::FakeNetwork;
using fakes::feed;
using fakes::text_of;
using Octets = std::vector<std::byte>;
using Events = std::vector<std::string>;

inline std::string options_with(const std::string& more) {
    return R"({"program":200001,"versions":[2])" + more + "}";
}

inline Octets record_of(Bytes message) {
    const auto mark = wire::mark_of(message.size());
    Octets octets(mark.begin(), mark.end());
    octets.insert(octets.end(), message.begin(), message.end());
    return octets;
}

// A plain call of a program, as a record.
inline Octets plain_call(std::uint32_t xid, std::string_view arguments, std::uint32_t procedure = 1,
                         std::uint32_t program = 200001, std::uint32_t version = 2,
                         wire::AuthFlavor flavor = wire::AuthFlavor::none) {
    wire::XdrWriter out;
    wire::put_call(out, xid, program, version, procedure);
    wire::put_auth(out, flavor, {});
    wire::put_auth(out, wire::AuthFlavor::none, {});
    out.raw(bytes_of(arguments));
    return record_of(out.view());
}

inline Octets plain_reply(std::uint32_t xid, std::string_view results,
                          wire::AcceptStatus status = wire::AcceptStatus::success) {
    wire::XdrWriter out;
    wire::put_accepted(out, xid, {}, status);
    out.raw(bytes_of(results));
    return record_of(out.view());
}

// The records of a stream, each without its mark.
inline std::vector<Octets> records_of(Octets stream) {
    std::vector<Octets> all;
    wire::RecordReader reader(wire::largest_record);
    for (MutableBytes input(stream); !input.empty();) {
        auto record = reader.next(input);
        if (!record || !*record) break;
        all.emplace_back((*record)->begin(), (*record)->end());
    }
    return all;
}

class TwoEnds : public testing::Test {
protected:
    ~TwoEnds() override {
        EXPECT_EQ(net->initiator.violations, Events{});
        EXPECT_EQ(net->acceptor.violations, Events{});
    }

    void begin(const std::string& more = {}) {
        net.emplace(*transport, options_with(more));
        // RPCSEC_GSS asks for neither.
        for (FakeHost* host : {&net->initiator, &net->acceptor})
            host->flags.replay = host->flags.sequence = false;
    }
    void establish(const std::string& more = {}) {
        begin(more);
        net->start();
        net->run();
        ASSERT_TRUE(net->initiator.is_established && net->acceptor.is_established);
    }

    // What the server hears, as calls; they lie in `heard`.
    std::vector<wire::Call> calls() {
        heard = records_of(net->acceptor.program_out.take());
        std::vector<wire::Call> all;
        for (Octets& record : heard) {
            auto call = wire::read_call(record);
            EXPECT_TRUE(call);
            if (call) all.push_back(*call);
        }
        return all;
    }
    // What the program hears.
    std::vector<wire::Reply> replies() {
        answered = records_of(net->initiator.program_out.take());
        std::vector<wire::Reply> all;
        for (Octets& record : answered) {
            auto reply = wire::read_reply(record);
            EXPECT_TRUE(reply);
            if (reply) all.push_back(*reply);
        }
        return all;
    }
    // Through both ends and back: what the program gets for a call that the server answers with `results`.
    std::string exchange(std::uint32_t xid, std::string_view arguments, std::string_view results) {
        net->initiator.session->program_bytes(plain_call(xid, arguments));
        net->run();
        const auto there = calls();
        if (there.size() != 1) return "the server heard " + std::to_string(there.size()) + " calls";
        if (text_of(there[0].arguments) != arguments) return "other arguments";
        net->acceptor.session->program_bytes(plain_reply(there[0].xid, results));
        net->run();
        const auto here = replies();
        if (here.size() != 1) return "the program heard " + std::to_string(here.size()) + " replies";
        EXPECT_EQ(here[0].xid, xid);
        return text_of(here[0].results);
    }

    std::unique_ptr<Transport> transport = std::move(make_transport("")).value();
    std::optional<FakeNetwork> net;
    std::vector<Octets> heard, answered;
};

inline void expect_end(const FakeHost& host, Verdict verdict, Code code, std::string_view text) {
    ASSERT_EQ(host.ended, verdict);
    ASSERT_TRUE(host.error);
    EXPECT_EQ(name(host.error->code), name(code));
    EXPECT_NE(host.error->message.find(text), std::string::npos) << host.error->message;
}

}  // namespace mutual::oncrpc
