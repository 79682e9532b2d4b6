// SPDX-License-Identifier: Apache-2.0
#include "wire/rpc_record.h"

#include <algorithm>

namespace mutual::wire {

namespace {

constexpr std::uint32_t last_fragment = 0x80000000;
constexpr std::size_t kept_room = 256UL << 10;

MutableBytes cut(MutableBytes& input, std::size_t size) {
    const MutableBytes part = input.first(size);
    input = input.subspan(size);
    return part;
}

}  // namespace

bool RecordReader::read_mark(MutableBytes& input) {
    const MutableBytes part = cut(input, std::min(record_mark - mark_read_, input.size()));
    std::copy(part.begin(), part.end(), mark_.begin() + static_cast<std::ptrdiff_t>(mark_read_));
    mark_read_ += part.size();
    return mark_read_ == record_mark;
}

Result<void> RecordReader::check_mark() {
    std::uint32_t word = 0;
    for (const std::byte octet : mark_) word = word << 8 | std::to_integer<std::uint32_t>(octet);
    is_last_ = (word & last_fragment) != 0;
    left_ = word & ~last_fragment;
    if (left_ > most_ - held_.size())
        return Error(Code::limit, Stage::channel,
                     "announced a record of " + std::to_string(held_.size() + left_) + " octets; at most " +
                         std::to_string(most_) + " are allowed",
                     "raise the service's max_record if its messages are that long; else it does not speak "
                     "ONC RPC there");
    if (++fragments_ > most_fragments)
        return Error(Code::limit, Stage::channel,
                     "cut a record into more than " + std::to_string(most_fragments) + " fragments");
    return {};
}

MutableBytes RecordReader::end_record(MutableBytes record) {
    mark_read_ = fragments_ = 0;
    return record;
}

Result<std::optional<MutableBytes>> RecordReader::next(MutableBytes& input) {
    using Record = std::optional<MutableBytes>;
    if (std::exchange(is_complete_, false)) {
        held_.clear();
        if (held_.capacity() > kept_room) held_.shrink_to_fit();
    }
    for (;;) {
        if (mark_read_ < record_mark) {
            if (!read_mark(input)) return Record();
            if (auto good = check_mark(); !good) return std::move(good).error();
        }
        const bool is_whole = is_last_ && held_.empty() && input.size() >= left_;
        if (is_whole) return Record(end_record(cut(input, left_)));
        const MutableBytes part = cut(input, std::min(left_, input.size()));
        held_.insert(held_.end(), part.begin(), part.end());
        left_ -= part.size();
        if (left_ > 0) return Record();
        if (is_last_) {
            is_complete_ = true;
            return Record(end_record(held_));
        }
        mark_read_ = 0;
    }
}

std::string RecordReader::progress() const {
    if (mark_read_ > 0 && mark_read_ < record_mark)
        return std::to_string(mark_read_) + " of the 4 octets of a fragment's length arrived";
    return std::to_string(held_.size()) + " octets of a record arrived" +
           (left_ > 0 ? ", " + std::to_string(left_) + " of its fragment are missing"
                      : ", its last fragment is missing");
}

std::array<std::byte, record_mark> mark_of(std::size_t record) {
    const std::uint32_t word = static_cast<std::uint32_t>(record) | last_fragment;
    std::array<std::byte, record_mark> mark{};
    for (std::size_t i = 0; i < record_mark; ++i) mark[i] = static_cast<std::byte>(word >> (24 - 8 * i));
    return mark;
}

}  // namespace mutual::wire
