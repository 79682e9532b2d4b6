// SPDX-License-Identifier: Apache-2.0
#include "wire/gss_frame.h"

#include <algorithm>

namespace mutual::wire {
namespace {

std::size_t limit(FrameKind kind) {
    return kind == FrameKind::handshake_token ? max_handshake_token : max_data_frame;
}

bool is_text(Bytes octets) {
    return std::all_of(octets.begin(), octets.end(), [](std::byte octet) {
        const auto c = std::to_integer<unsigned char>(octet);
        return (c >= 0x20 && c < 0x7f) || c == '\r' || c == '\n';
    });
}

bool is_tls(Bytes octets) { return octets[0] == std::byte{0x16} && octets[1] == std::byte{0x03}; }

std::string_view guess(Bytes octets) {
    if (is_tls(octets)) return "the peer seems to speak TLS: both ends must be configured for the same wire";
    if (is_text(octets))
        return "the peer seems to speak another, plaintext protocol: check the host and port";
    return "both ends must be configured for the same wire";
}

}  // namespace

Result<std::optional<MutableBytes>> FrameReader::next(MutableBytes& input) {
    if (complete_) {
        complete_ = false;
        if (held_.capacity() > max_data_frame) held_ = {};
        held_.clear();
    }
    if (length_read_ < frame_header) {
        auto whole = read_length(input);
        if (!whole) return std::move(whole).error();
        if (!*whole) return std::optional<MutableBytes>{};
    }
    return read_body(input);
}

Result<bool> FrameReader::read_length(MutableBytes& input) {
    const auto count = std::min(input.size(), frame_header - length_read_);
    std::copy_n(input.begin(), count, length_octets_.begin() + static_cast<std::ptrdiff_t>(length_read_));
    input = input.subspan(count);
    length_read_ += count;
    if (length_read_ < frame_header) return false;
    length_ = 0;
    for (const auto octet : length_octets_) length_ = length_ << 8U | std::to_integer<std::size_t>(octet);
    if (length_ == 0 || length_ > limit(kind_)) return refusal();
    return true;
}

std::optional<MutableBytes> FrameReader::read_body(MutableBytes& input) {
    const auto part = input.first(std::min(input.size(), length_ - held_.size()));
    input = input.subspan(part.size());
    if (part.size() == length_) {
        length_read_ = 0;
        return part;
    }
    keep(part);
    if (held_.size() < length_) return std::nullopt;
    length_read_ = 0;
    complete_ = true;
    return MutableBytes{held_};
}

void FrameReader::keep(Bytes part) {
    const auto size = held_.size() + part.size();
    if (size > held_.capacity()) held_.reserve(std::min(length_, std::max(size, 2 * held_.capacity())));
    held_.insert(held_.end(), part.begin(), part.end());
}

std::string FrameReader::progress() const {
    if (length_read_ < frame_header)
        return std::to_string(length_read_) + " of " + std::to_string(frame_header) + " octets of a length";
    return std::to_string(held_.size()) + " of " + std::to_string(length_) + " octets";
}

Error FrameReader::refusal() const {
    const bool handshake = kind_ == FrameKind::handshake_token;
    const auto stage = handshake ? Stage::handshake : Stage::channel;
    const std::string announced = std::string{"announced a "} + (handshake ? "token" : "record") + " of " +
                                  std::to_string(length_) + " octets";
    if (length_ == 0) return {Code::protocol, stage, "peer broke the rules of wire gss: " + announced};
    // A single-bit fault in a length is not worth a guess; octets that are no length at all are.
    const bool foreign = handshake && (is_text(length_octets_) || is_tls(length_octets_));
    std::string message = foreign ? "peer does not speak wire gss: " : "peer broke the rules of wire gss: ";
    message += announced + " (first octets " + quoted(length_octets_) + "), the limit is " +
               std::to_string(limit(kind_));
    return {Code::protocol, stage, std::move(message),
            handshake ? std::string{guess(length_octets_)} : std::string{}};
}

void put_length(MutableBytes frame, std::size_t length) {
    for (std::size_t i = 0; i < frame_header; ++i)
        frame[i] = static_cast<std::byte>(length >> (8 * (frame_header - 1 - i)));
}

std::string quoted(Bytes text, std::size_t most) {
    constexpr std::string_view hex = "0123456789abcdef";
    std::string result{'"'};
    for (const auto octet : text.first(std::min(most, text.size()))) {
        const auto c = std::to_integer<unsigned char>(octet);
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
            result += static_cast<char>(c);
        else
            result.append("\\x") += {hex[c >> 4U], hex[c & 0xfU]};
    }
    return result.append(text.size() > most ? "\"..." : "\"");
}

}  // namespace mutual::wire
