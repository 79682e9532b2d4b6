// SPDX-License-Identifier: Apache-2.0
// The frames of wire `gss`: the first octet says after how many tokens records follow, the second the length
// of the pieces in which the rest arrives.
#include "wire/gss_frame.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/property.h"

namespace mutual::fuzz {
namespace {

using namespace wire;

struct Frames {
    std::vector<std::string> given;
    std::string refusal;
    bool at_boundary = true;
    bool operator==(const Frames&) const = default;
};

std::string text_of(Bytes octets) { return {reinterpret_cast<const char*>(octets.data()), octets.size()}; }

Frames cut(std::string_view stream, std::size_t piece, std::size_t tokens) {
    FrameReader reader;
    Frames frames;
    if (tokens == 0) reader.expect(FrameKind::data);
    while (!stream.empty()) {
        // On memory of its own, as a socket's buffer is.
        std::string arrived(stream.substr(0, piece));
        stream.remove_prefix(arrived.size());
        MutableBytes input = std::as_writable_bytes(std::span(arrived));
        while (!input.empty()) {
            const auto frame = reader.next(input);
            if (!accepted(frame)) {
                frames.refusal = frame.error().message;
                return frames;
            }
            if (!frame->has_value()) {
                require(input.empty(), "without a frame the input is used up");
                break;
            }
            const bool token = frames.given.size() < tokens;
            require(!(*frame)->empty(), "a frame is not empty");
            require((*frame)->size() <= (token ? max_handshake_token : max_data_frame),
                    "a frame is within its bound");
            frames.given.push_back(text_of(**frame));
            if (frames.given.size() == tokens) reader.expect(FrameKind::data);
        }
    }
    frames.at_boundary = reader.at_boundary();
    require(!reader.progress().empty(), "the reader says how far it is");
    return frames;
}

// What the frames say, written again, is the stream up to where it was refused or ends.
void check_content(const Frames& frames, std::string_view stream) {
    std::string written;
    for (const std::string& frame : frames.given) {
        std::array<std::byte, frame_header> length{};
        put_length(length, frame.size());
        written += text_of(length) + frame;
    }
    require(stream.starts_with(written), "frames are the stream's octets");
    if (frames.refusal.empty())
        require(frames.at_boundary == (written.size() == stream.size()), "only a whole frame is a boundary");
}

}  // namespace
}  // namespace mutual::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutual::fuzz;
    Input input(data, size);
    const std::size_t tokens = input.octet() % 4U;
    const std::size_t piece = 1U + input.octet();
    const std::string_view stream = input.rest();
    const Frames whole = cut(stream, std::max<std::size_t>(1, stream.size()), tokens);
    require(cut(stream, 1, tokens) == whole, "octet by octet the frames are the same");
    require(cut(stream, piece, tokens) == whole, "in pieces the frames are the same");
    check_content(whole, stream);
    return 0;
}
