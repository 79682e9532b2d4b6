// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/output_queue.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace mutual::channel {
namespace {

bool put(OutputQueue& queue, const std::string& text) {
    auto room = queue.reserve(text.size());
    if (room.size() != text.size()) return false;
    if (!text.empty()) std::memcpy(room.data(), text.data(), text.size());
    queue.commit(text.size());
    return true;
}

std::string pending(const OutputQueue& queue) {
    return {reinterpret_cast<const char*>(queue.pending().data()), queue.pending().size()};
}

TEST(OutputQueue, KeepsOrderOverPartialWritesAndGrowth) {
    BufferPool pool;
    OutputQueue queue(pool);
    std::string expected;
    std::string taken;
    for (int i = 0; i < 2000; ++i) {
        const std::string text(static_cast<std::size_t>(i % 300), static_cast<char>('a' + i % 26));
        ASSERT_TRUE(put(queue, text));
        expected += text;
        const auto some = std::min<std::size_t>(queue.size(), 100);
        taken += pending(queue).substr(0, some);
        queue.consume(some);
    }
    EXPECT_EQ(taken + pending(queue), expected);
    EXPECT_EQ(queue.committed(), expected.size());
}

TEST(OutputQueue, GivesNoRoomBeyondItsBound) {
    BufferPool pool;
    OutputQueue queue(pool);
    ASSERT_TRUE(put(queue, std::string(OutputQueue::usual_bound - 10, 'x')));
    EXPECT_TRUE(queue.reserve(11).empty());
    EXPECT_EQ(queue.reserve(10).size(), 10U);
}

TEST(OutputQueue, AReservationMayBeCommittedInPart) {
    BufferPool pool;
    OutputQueue queue(pool);
    auto room = queue.reserve(100);
    std::memcpy(room.data(), "abc", 3);
    queue.commit(3);
    EXPECT_EQ(pending(queue), "abc");
}

TEST(OutputQueue, HoldsNoMemoryWhenEmpty) {
    BufferPool pool;
    OutputQueue queue(pool);
    ASSERT_TRUE(put(queue, "abc"));
    const auto* first = queue.pending().data();
    queue.consume(3);
    EXPECT_TRUE(queue.empty());
    OutputQueue other(pool);
    ASSERT_TRUE(put(other, "def"));
    EXPECT_EQ(other.pending().data(), first) << "the spare buffer was not given back";
}

TEST(OutputQueue, IsLowUpToItsMark) {
    BufferPool pool;
    OutputQueue queue(pool);
    ASSERT_TRUE(put(queue, std::string(OutputQueue::low_mark, 'x')));
    EXPECT_TRUE(queue.is_low());
    ASSERT_TRUE(put(queue, "y"));
    EXPECT_FALSE(queue.is_low());
}

TEST(OutputQueueDeathTest, CommittingMoreThanWasReservedEndsTheProcess) {
    BufferPool pool;
    OutputQueue queue(pool);
    (void)queue.reserve(4);
    EXPECT_DEATH(queue.commit(5), "");
}

}  // namespace
}  // namespace mutual::channel
