// SPDX-License-Identifier: Apache-2.0
// Record marking (RFC 5531 section 11): a message is a record, a record is one or more fragments, and each
// fragment is a 32-bit big-endian word (its highest bit: the last one; the others: its length) and that many
// octets. A record is bounded before any room is made for it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mutual/error.h"
#include "mutual/transport.h"

namespace mutual::wire {

inline constexpr std::size_t record_mark = 4;
inline constexpr std::size_t default_record = 1UL << 20;
inline constexpr std::size_t largest_record = 64UL << 20;
// libtirpc makes one of each 4,000 octets at least; empty ones would cost us work for nothing.
inline constexpr std::size_t most_fragments = 32'768;

// Cuts a stream into records. Nothing is copied while a whole record of one fragment lies in the input;
// otherwise what has arrived of it is kept, in room that grows with what arrives.
class RecordReader {
public:
    // `most` octets in a record.
    explicit RecordReader(std::size_t most) : most_(most) {}

    // The next whole record, and `input` shortened by what was used. Nothing: `input` is used up. The record
    // lies in the input or in the reader: valid until the next call. Errors: limit; the reader is then of no
    // more use.
    Result<std::optional<MutableBytes>> next(MutableBytes& input);

    // Whether the stream may end here; if not, how much of the last record is there, for a message.
    bool is_at_boundary() const { return mark_read_ == 0 && fragments_ == 0; }
    std::string progress() const;

private:
    bool read_mark(MutableBytes& input);
    Result<void> check_mark();
    MutableBytes end_record(MutableBytes record);

    std::size_t most_;
    std::array<std::byte, record_mark> mark_{};
    std::size_t mark_read_ = 0;  // octets of the mark that have arrived
    std::size_t left_ = 0;       // of the fragment, once its mark is there
    bool is_last_ = false;
    std::size_t fragments_ = 0;  // of this record, that one included
    bool is_complete_ = false;   // the record in held_ was handed out
    std::vector<std::byte> held_;
};

// A record of one fragment: its mark, for that many octets, at most largest_record.
std::array<std::byte, record_mark> mark_of(std::size_t record);

}  // namespace mutual::wire
