// SPDX-License-Identifier: Apache-2.0
// The bounded output queue of one socket of a channel, contiguous so that everything pending goes out in one
// call. It holds memory only while it holds bytes.
#pragma once

#include "daemon/channel/buffer_pool.h"
#include "mutual/transport.h"

namespace mutual::channel {

class OutputQueue final : public Outlet {
public:
    // Above `low_mark` the host takes no more bytes from the other side; the bound is never passed. One read
    // of the host's, answered with as much, fits between them several times.
    static constexpr std::size_t low_mark = 64 * 1024;
    static constexpr std::size_t usual_bound = 512 * 1024;
    static constexpr std::size_t usual_output = 128 * 1024;  // at a time

    explicit OutputQueue(BufferPool& pool) : pool_(&pool) {}
    ~OutputQueue() { clear(); }
    OutputQueue(const OutputQueue&) = delete;
    OutputQueue& operator=(const OutputQueue&) = delete;

    // For a session whose single outputs are larger than usual.
    void raise_bound(std::size_t output) {
        if (output > usual_output) bound_ = usual_bound + output;
    }

    MutableBytes reserve(std::size_t size) override;
    void commit(std::size_t size) override;

    Bytes pending() const { return {buffer_.memory.get() + begin_, end_ - begin_}; }
    void consume(std::size_t size);  // what has been written
    void clear();

    std::size_t size() const { return end_ - begin_; }
    bool empty() const { return begin_ == end_; }
    bool is_low() const { return size() <= low_mark; }
    std::uint64_t committed() const { return committed_; }  // octets, since the beginning

private:
    void make_room(std::size_t size);

    BufferPool* pool_;
    std::size_t bound_ = usual_bound;
    Buffer buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::size_t reserved_ = 0;
    std::uint64_t committed_ = 0;
};

}  // namespace mutual::channel
