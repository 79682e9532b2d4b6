// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/output_queue.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace mutual::channel {

MutableBytes OutputQueue::reserve(std::size_t size) {
    reserved_ = 0;
    if (size > bound_ - this->size()) return {};
    if (end_ + size > buffer_.capacity) make_room(size);
    reserved_ = size;
    return {buffer_.memory.get() + end_, size};
}

void OutputQueue::commit(std::size_t size) {
    if (size > reserved_) std::abort();  // a defect of the plugin has written beyond its room
    reserved_ = 0;
    end_ += size;
    committed_ += size;
    if (empty()) clear();
}

void OutputQueue::make_room(std::size_t size) {
    const std::size_t pending = this->size();
    if (pending + size <= buffer_.capacity) {
        std::memmove(buffer_.memory.get(), buffer_.memory.get() + begin_, pending);
    } else {
        Buffer larger = pool_->take(std::min(bound_, std::max(pending + size, 2 * buffer_.capacity)));
        if (pending > 0) std::memcpy(larger.memory.get(), buffer_.memory.get() + begin_, pending);
        pool_->give(std::move(buffer_));
        buffer_ = std::move(larger);
    }
    begin_ = 0;
    end_ = pending;
}

void OutputQueue::consume(std::size_t size) {
    begin_ += size;
    if (empty()) clear();
}

void OutputQueue::clear() {
    begin_ = end_ = reserved_ = 0;
    if (buffer_.memory) pool_->give(std::exchange(buffer_, {}));
}

}  // namespace mutual::channel
