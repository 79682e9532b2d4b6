// SPDX-License-Identifier: Apache-2.0
#include "wire/gss_frame.h"

#include <gtest/gtest.h>

#include "tests/fakes/allocations.h"
#include "tests/fakes/host.h"

namespace mutual::wire {
namespace {

using fakes::bytes_of;
using fakes::text_of;
using Octets = std::vector<std::byte>;

Octets frame(std::size_t announced, std::string_view body) {
    Octets octets(frame_header);
    put_length(octets, announced);
    const auto tail = bytes_of(body);
    octets.insert(octets.end(), tail.begin(), tail.end());
    return octets;
}

Octets frame(std::string_view body) { return frame(body.size(), body); }

// Reads all that `piece` completes; false after an error, which is kept.
struct Collector {
    FrameReader reader;
    std::vector<std::string> frames;
    std::optional<Error> error;

    bool read(Bytes piece) {
        Octets copy{piece.begin(), piece.end()};
        MutableBytes input{copy};
        for (;;) {
            auto next = reader.next(input);
            if (!next) error = next.error();
            if (!next || !next->has_value()) return next.ok();
            frames.push_back(text_of(**next));
        }
    }
};

Error refusal(Bytes octets, FrameKind kind = FrameKind::handshake_token) {
    Collector collector;
    collector.reader.expect(kind);
    EXPECT_FALSE(collector.read(octets));
    return collector.error.value_or(Error{});
}

TEST(GssFrameReader, FT_083_LengthIsBigEndian) {
    EXPECT_EQ(text_of(frame(0x41424344, "")), "ABCD");
    Collector collector;
    EXPECT_TRUE(collector.read(bytes_of(std::string_view{"\0\0\1\2", 4})));
    EXPECT_TRUE(collector.read(Octets(257)));
    EXPECT_TRUE(collector.frames.empty());
    EXPECT_TRUE(collector.read(Octets(1)));
    EXPECT_EQ(collector.frames[0].size(), 258U);
}

TEST(GssFrameReader, ReadsEveryThreeWaySplit) {
    Octets stream;
    const std::vector<std::string> bodies{"a", std::string(70, 'b'), "cde", std::string(20, 'f')};
    for (const auto& body : bodies) {
        const auto part = frame(body);
        stream.insert(stream.end(), part.begin(), part.end());
    }
    const Bytes all{stream};
    for (std::size_t first = 0; first <= all.size(); ++first)
        for (std::size_t second = first; second <= all.size(); ++second) {
            Collector collector;
            collector.read(all.first(first));
            collector.read(all.subspan(first, second - first));
            collector.read(all.subspan(second));
            ASSERT_EQ(collector.frames, bodies) << first << ' ' << second;
            ASSERT_TRUE(collector.reader.at_boundary());
        }
}

TEST(GssFrameReader, ReadsEveryPieceLength) {
    Octets stream;
    for (int i = 0; i < 20; ++i) {
        const auto part = frame(std::string(static_cast<std::size_t>(i * 7 + 1), 'x'));
        stream.insert(stream.end(), part.begin(), part.end());
    }
    for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
        Collector collector;
        for (Bytes rest{stream}; !rest.empty(); rest = rest.subspan(std::min(piece, rest.size())))
            ASSERT_TRUE(collector.read(rest.first(std::min(piece, rest.size()))));
        ASSERT_EQ(collector.frames.size(), 20U);
        ASSERT_EQ(collector.frames[19].size(), 134U);
    }
}

TEST(GssFrameReader, WholeFramesStayInTheInput) {
    auto octets = frame("whole");
    MutableBytes input{octets};
    FrameReader reader;
    const auto next = reader.next(input);
    ASSERT_TRUE(next && next->has_value());
    EXPECT_EQ((*next)->data(), octets.data() + frame_header);
    EXPECT_TRUE(input.empty());
}

TEST(GssFrameReader, FT_083_RefusesLengthZero) {
    for (const auto kind : {FrameKind::handshake_token, FrameKind::data}) {
        const auto error = refusal(frame(0, "x"), kind);
        EXPECT_EQ(error.code, Code::protocol);
        EXPECT_NE(error.message.find("of 0 octets"), std::string::npos) << error.message;
    }
}

TEST(GssFrameReader, FT_083_TokensUpTo128KiB) {
    Collector collector;
    EXPECT_TRUE(collector.read(frame(std::string(131'072, 'x'))));
    EXPECT_EQ(collector.frames.size(), 1U);
    EXPECT_EQ(refusal(frame(131'073, "")).stage, Stage::handshake);
    EXPECT_EQ(refusal(frame(0xffffffff, "")).code, Code::protocol);
}

TEST(GssFrameReader, FT_083_RecordsUpTo66048Octets) {
    Collector collector;
    collector.reader.expect(FrameKind::data);
    EXPECT_TRUE(collector.read(frame(std::string(66'048, 'x'))));
    EXPECT_EQ(collector.frames.size(), 1U);
    EXPECT_EQ(refusal(frame(66'049, ""), FrameKind::data).stage, Stage::channel);
}

TEST(GssFrameReader, FT_083_RefusesFromTheLengthAloneAtEverySplit) {
    const auto octets = frame(131'073, "");
    for (std::size_t split = 0; split < frame_header; ++split) {
        Collector collector;
        EXPECT_TRUE(collector.read(Bytes{octets}.first(split)));
        EXPECT_FALSE(collector.read(Bytes{octets}.subspan(split)));
    }
}

TEST(GssFrameReader, FT_083_RoomGrowsWithWhatArrivesNotWithWhatIsAnnounced) {
    FrameReader reader;
    auto octets = frame(131'072, "0123456789");
    MutableBytes input{octets};
    const auto before = fakes::allocations();
    ASSERT_TRUE(reader.next(input));
    EXPECT_LE(fakes::allocations().octets - before.octets, 64U);
    for (std::size_t arrived = 10; arrived + 1000 < 131'072; arrived += 1000) {
        Octets more(1000);
        input = more;
        const auto earlier = fakes::allocations();
        ASSERT_TRUE(reader.next(input));
        EXPECT_LE(fakes::allocations().octets - earlier.octets, 2 * (arrived + 1000));
    }
}

TEST(GssFrameReader, TellsAPlaintextPeerByItsFirstOctets) {
    const auto error = refusal(bytes_of("SSH-2.0-OpenSSH_9.2\r\n"));
    EXPECT_EQ(error.message,
              "peer does not speak wire gss: announced a token of 1397966893 octets (first octets \"SSH-\"), "
              "the limit "
              "is 131072");
    EXPECT_NE(error.hint.find("plaintext"), std::string::npos);
    EXPECT_NE(refusal(bytes_of("HTTP/1.1 400 Bad Request\r\n")).message.find("\"HTTP\""), std::string::npos);
    EXPECT_NE(refusal(bytes_of("\x16\x03\x01\x02")).hint.find("TLS"), std::string::npos);
}

TEST(GssFrameReader, ShowsThePeersOctetsEscaped) {
    EXPECT_NE(refusal(bytes_of("\x1b[2J")).message.find("(first octets \"\\x1b[2J\")"), std::string::npos);
    EXPECT_EQ(quoted(bytes_of("a\"b\\c\n\xff")), "\"a\\x22b\\x5cc\\x0a\\xff\"");
    EXPECT_EQ(quoted(bytes_of("abcdef"), 3), "\"abc\"...");
}

TEST(GssFrameReader, KnowsWhereTheStreamMayEnd) {
    Collector collector;
    EXPECT_TRUE(collector.reader.at_boundary());
    collector.read(frame("ab"));
    EXPECT_TRUE(collector.reader.at_boundary());
    const auto octets = frame("abc");
    for (const auto octet : octets) {
        collector.read(Bytes{&octet, 1});
        EXPECT_EQ(collector.reader.at_boundary(), collector.frames.size() == 2);
    }
    collector.read(Bytes{octets}.first(2));
    EXPECT_EQ(collector.reader.progress(), "2 of 4 octets of a length");
    collector.read(Bytes{octets}.subspan(2, 4));
    EXPECT_EQ(collector.reader.progress(), "2 of 3 octets");
}

}  // namespace
}  // namespace mutual::wire
