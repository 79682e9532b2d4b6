// SPDX-License-Identifier: Apache-2.0
#include "wire/gss_record.h"

#include <gtest/gtest.h>

#include "tests/fakes/allocations.h"
#include "tests/fakes/host.h"
#include "wire/gss_frame.h"

namespace mutual::wire {
namespace {

using fakes::bytes_of;
using fakes::FakeOutlet;
using fakes::FakeSecurityContext;
using fakes::text_of;
using Octets = std::vector<std::byte>;

class GssRecords : public testing::Test {
protected:
    // The records in `stream`, opened.
    std::vector<std::string> opened(Octets stream) {
        std::vector<std::string> texts;
        FrameReader reader;
        reader.expect(FrameKind::data);
        for (MutableBytes input{stream}; !input.empty();) {
            auto record = reader.next(input);
            if (!record || !record->has_value()) break;
            largest = std::max(largest, (*record)->size());
            auto plaintext = open_record(receiver, **record);
            texts.push_back(plaintext ? text_of(*plaintext) : to_string(plaintext.error()));
        }
        return texts;
    }

    FakeSecurityContext sender{Role::initiator, 7};
    FakeSecurityContext receiver{Role::acceptor, 7};
    FakeOutlet out;
    std::size_t largest = 0;
};

TEST_F(GssRecords, FT_085_NothingIsSentInTheClear) {
    ASSERT_TRUE(send_records(sender, bytes_of("secret"), out));
    const auto stream = out.take();
    EXPECT_EQ(text_of(stream).find("secret"), std::string::npos);
    EXPECT_EQ(opened(stream), std::vector<std::string>{"secret"});
}

TEST_F(GssRecords, FT_087_LongPlaintextIsSplitInto16KiB) {
    for (const std::size_t size : {1U, 16'383U, 16'384U, 16'385U, 100'000U}) {
        std::string text(size, 'x');
        for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 23);
        ASSERT_TRUE(send_records(sender, bytes_of(text), out));
        const auto texts = opened(out.take());
        EXPECT_EQ(texts.size(), (size + 16'383) / 16'384);
        std::string whole;
        for (const auto& part : texts) whole += part;
        EXPECT_EQ(whole, text);
    }
    EXPECT_EQ(largest, 16'384U + FakeSecurityContext::header + FakeSecurityContext::trailer);
}

TEST_F(GssRecords, NoPlaintextIsNoRecord) {
    ASSERT_TRUE(send_records(sender, {}, out));
    EXPECT_EQ(out.size(), 0U);
}

TEST_F(GssRecords, EmptyPlaintextIsTheEndOfTheStream) {
    ASSERT_TRUE(send_end_of_stream(sender, out));
    EXPECT_EQ(opened(out.take()), std::vector<std::string>{""});
}

TEST_F(GssRecords, FT_087_PiecesFitAContextWithALowerLimit) {
    class SmallContext final : public SecurityContext {
    public:
        explicit SmallContext(SecurityContext& real) : real_(real) {}
        Layout layout(std::size_t size) const override { return real_.layout(size); }
        std::size_t largest_plaintext(std::size_t) const override { return limit; }
        Result<void> seal(MutableBytes frame, std::size_t size) override { return real_.seal(frame, size); }
        Result<Opened> open(MutableBytes token) override { return real_.open(token); }
        Result<std::vector<std::byte>> mic(Bytes message) override { return real_.mic(message); }
        Result<Supplementary> verify(Bytes message, Bytes mic) override { return real_.verify(message, mic); }
        Result<void> prf(Bytes in, MutableBytes result) override { return real_.prf(in, result); }
        const ContextFacts& facts() const override { return real_.facts(); }
        bool is_expired() const override { return real_.is_expired(); }
        std::size_t limit = 3;

    private:
        SecurityContext& real_;
    };
    SmallContext small{sender};
    ASSERT_TRUE(send_records(small, bytes_of("abcdefg"), out));
    EXPECT_EQ(opened(out.take()), (std::vector<std::string>{"abc", "def", "g"}));
    small.limit = 0;
    EXPECT_EQ(send_records(small, bytes_of("a"), out).error().code, Code::internal);
}

TEST_F(GssRecords, FT_085_RefusesIntegrityOnly) {
    sender.seals_integrity_only = true;
    ASSERT_TRUE(send_records(sender, bytes_of("open"), out));
    EXPECT_NE(opened(out.take())[0].find("integrity-only record"), std::string::npos);
}

TEST_F(GssRecords, FT_086_RefusesEverySupplementaryStatus) {
    std::vector<Octets> records;
    for (int i = 0; i < 70; ++i) {
        ASSERT_TRUE(send_records(sender, bytes_of("x"), out));
        records.push_back(out.take());
    }
    EXPECT_EQ(opened(records[0])[0], "x");
    EXPECT_NE(opened(records[0])[0].find("it is a duplicate"), std::string::npos);
    EXPECT_NE(opened(records[2])[0].find("it is preceded by a gap"), std::string::npos);
    EXPECT_NE(opened(records[1])[0].find("it is out of sequence"), std::string::npos);
    opened(records[69]);
    EXPECT_NE(opened(records[3])[0].find("it is too old"), std::string::npos);
}

TEST_F(GssRecords, AFullQueueIsALimit) {
    out.bound = 40;
    EXPECT_EQ(send_records(sender, bytes_of("more than fits"), out).error().code, Code::limit);
    EXPECT_EQ(send_token(bytes_of(std::string(37, 't')), out).error().code, Code::limit);
    EXPECT_EQ(out.size(), 0U);
}

TEST_F(GssRecords, AContextThatFailsSendsNothing) {
    sender.fails = Error{Code::expired, Stage::channel, "seal a record: the context has expired"};
    EXPECT_EQ(send_records(sender, bytes_of("x"), out).error().code, Code::expired);
    EXPECT_EQ(out.size(), 0U);
}

TEST_F(GssRecords, SealingAndOpeningTakeNoMemory) {
    const std::string text(100'000, 'x');
    const auto plaintext = bytes_of(text);
    ASSERT_TRUE(send_records(sender, plaintext, out));
    opened(out.take());
    ASSERT_TRUE(send_records(sender, plaintext, out));
    Octets stream = out.take();
    ASSERT_TRUE(send_records(sender, plaintext, out));
    out.clear();
    FrameReader reader;
    reader.expect(FrameKind::data);
    const auto before = fakes::allocations();
    ASSERT_TRUE(send_records(sender, plaintext, out));
    MutableBytes input{stream};
    for (int i = 0; i < 7; ++i) {
        auto record = reader.next(input);
        ASSERT_TRUE(open_record(receiver, **record));
    }
    EXPECT_EQ(fakes::allocations().count, before.count);
    EXPECT_TRUE(input.empty());
}

}  // namespace
}  // namespace mutual::wire
