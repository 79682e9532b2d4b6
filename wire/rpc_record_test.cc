// SPDX-License-Identifier: Apache-2.0
#include "wire/rpc_record.h"

#include <gtest/gtest.h>

#include "tests/fakes/allocations.h"
#include "tests/fakes/host.h"

namespace mutual::wire {
namespace {

using fakes::bytes_of;
using fakes::text_of;
using Octets = std::vector<std::byte>;
using Texts = std::vector<std::string>;

void add_fragment(Octets& stream, std::string_view text, bool is_last) {
    auto mark = mark_of(text.size());
    if (!is_last) mark[0] &= std::byte{0x7f};
    stream.insert(stream.end(), mark.begin(), mark.end());
    const auto body = bytes_of(text);
    stream.insert(stream.end(), body.begin(), body.end());
}

// The records in the stream, which comes in pieces of that size; an error ends them.
Texts records(RecordReader& reader, Octets stream, std::size_t piece) {
    Texts texts;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
        MutableBytes input = MutableBytes(stream).subspan(at, std::min(piece, stream.size() - at));
        while (!input.empty()) {
            auto record = reader.next(input);
            if (!record) {
                texts.push_back(record.error().message);
                return texts;
            }
            if (*record) texts.push_back(text_of(**record));
        }
    }
    return texts;
}

TEST(RpcRecords, ComeWholeHoweverTheStreamIsCut) {
    Octets stream;
    add_fragment(stream, "one record", true);
    add_fragment(stream, "of three ", false);
    add_fragment(stream, "", false);
    add_fragment(stream, "fragments", true);
    add_fragment(stream, "", true);
    add_fragment(stream, "last", true);
    for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
        RecordReader reader(100);
        EXPECT_EQ(records(reader, stream, piece), (Texts{"one record", "of three fragments", "", "last"}))
            << piece;
        EXPECT_TRUE(reader.is_at_boundary());
    }
}

TEST(RpcRecords, AMarkIsBigEndianWithItsHighestBitForTheLastFragment) {
    const auto mark = mark_of(0x010203);
    EXPECT_EQ(text_of(Bytes(mark)), std::string("\x80\x01\x02\x03", 4));
}

TEST(RpcRecords, FT_083_ALongerOneIsRefusedByItsMarkAloneBeforeAnyRoomIsMade) {
    for (const std::size_t announced : {std::size_t{101}, std::size_t{0x7fffffff}}) {
        RecordReader reader(100);
        const auto mark = mark_of(announced);
        Octets stream(mark.begin(), mark.end());
        MutableBytes input(stream);
        const std::size_t before = fakes::allocations().octets;
        auto record = reader.next(input);
        ASSERT_FALSE(record);
        EXPECT_EQ(record.error().code, Code::limit);
        EXPECT_NE(record.error().message.find("at most 100"), std::string::npos) << record.error().message;
        EXPECT_NE(record.error().hint.find("max_record"), std::string::npos);
        EXPECT_LT(fakes::allocations().octets - before, 4096U);
    }
}

TEST(RpcRecords, FragmentsCountTogether) {
    Octets stream;
    add_fragment(stream, std::string(60, 'a'), false);
    add_fragment(stream, std::string(41, 'b'), true);
    RecordReader reader(100);
    const Texts texts = records(reader, stream, stream.size());
    ASSERT_EQ(texts.size(), 1U);
    EXPECT_NE(texts[0].find("a record of 101 octets"), std::string::npos) << texts[0];
}

TEST(RpcRecords, AStormOfFragmentsEndsTheStream) {
    Octets stream;
    for (std::size_t i = 0; i <= most_fragments; ++i) add_fragment(stream, "", false);
    RecordReader reader(100);
    const Texts texts = records(reader, stream, stream.size());
    ASSERT_EQ(texts.size(), 1U);
    EXPECT_NE(texts[0].find("fragments"), std::string::npos) << texts[0];
}

TEST(RpcRecords, SayHowFarTheyCame) {
    RecordReader reader(100);
    Octets stream;
    add_fragment(stream, "abcdef", true);
    MutableBytes input = MutableBytes(stream).first(7);
    ASSERT_TRUE(reader.next(input));
    EXPECT_FALSE(reader.is_at_boundary());
    EXPECT_EQ(reader.progress(), "3 octets of a record arrived, 3 of its fragment are missing");
}

}  // namespace
}  // namespace mutual::wire
