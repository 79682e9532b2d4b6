// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/buffer_pool.h"

#include <utility>

namespace mutual::channel {

Buffer BufferPool::take(std::size_t size) {
    if (size <= standard && !spare_.empty()) {
        Buffer buffer = std::move(spare_.back());
        spare_.pop_back();
        return buffer;
    }
    const std::size_t capacity = size < standard ? standard : size;
    return {std::make_unique_for_overwrite<std::byte[]>(capacity), capacity};
}

void BufferPool::give(Buffer buffer) {
    if (buffer.capacity == standard && spare_.size() < most_) spare_.push_back(std::move(buffer));
}

}  // namespace mutual::channel
