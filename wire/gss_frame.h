// SPDX-License-Identifier: Apache-2.0
// The framing of wire `gss`, which is knc's: a 32-bit big-endian length N, then N octets. N = 0 breaks the
// rules, and so does an N above the limit of the phase; both are refused from the length alone, before any
// room is made.
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

inline constexpr std::size_t frame_header = 4;
inline constexpr std::size_t max_handshake_token = 131'072;
inline constexpr std::size_t max_data_frame = 66'048;  // knc's bound for N

enum class FrameKind : std::uint8_t { handshake_token, data };

// Cuts a stream into frames. Nothing is copied while a whole frame lies in the input; otherwise what has
// arrived of it is kept, in room that grows with what arrives and not with what is announced.
class FrameReader {
public:
    // What the frames after the current one are; at first handshake tokens.
    void expect(FrameKind kind) { kind_ = kind; }

    // The next whole frame, without its length, and `input` shortened by what was used. Nothing: `input` is
    // used up in mid-frame or at a boundary. The frame lies in the input or in the reader: valid until the
    // next call. Errors: protocol; the reader is then of no more use.
    Result<std::optional<MutableBytes>> next(MutableBytes& input);

    // Whether the stream may end here; if not, how much of the last frame is there, for a message.
    bool at_boundary() const { return length_read_ == 0; }
    std::string progress() const;

private:
    Result<bool> read_length(MutableBytes& input);
    std::optional<MutableBytes> read_body(MutableBytes& input);
    void keep(Bytes part);
    Error refusal() const;

    FrameKind kind_ = FrameKind::handshake_token;
    std::array<std::byte, frame_header> length_octets_{};
    std::size_t length_read_ = 0;  // octets of the length that have arrived
    std::size_t length_ = 0;       // once all have
    bool complete_ = false;        // the frame in held_ was handed out
    std::vector<std::byte> held_;
};

void put_length(MutableBytes frame, std::size_t length);

// Text of unknown origin for a message: in quotes, everything but printable ASCII as \xNN, at most `most`
// octets.
std::string quoted(Bytes text, std::size_t most = 64);

}  // namespace mutual::wire
