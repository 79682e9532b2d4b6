// SPDX-License-Identifier: Apache-2.0
// Spare memory of one event loop for output queues: a channel borrows it only while it has something to
// write, so an idle channel holds none. Used on the loop's own thread only.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace mutual::channel {

struct Buffer {
    std::unique_ptr<std::byte[]> memory;
    std::size_t capacity = 0;
};

class BufferPool {
public:
    // Four sealed records of 16 KiB fit.
    static constexpr std::size_t standard = 72 * 1024;

    Buffer take(std::size_t size);
    void give(Buffer buffer);

private:
    static constexpr std::size_t most_ = 8;
    std::vector<Buffer> spare_;
};

}  // namespace mutual::channel
