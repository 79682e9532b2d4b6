// SPDX-License-Identifier: Apache-2.0
// XDR (RFC 4506), as much of it as ONC RPC messages are made of: 32-bit numbers and opaque data, everything
// in units of four octets.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "mutual/transport.h"

namespace mutual::wire {

constexpr std::size_t xdr_padding(std::size_t size) { return (4 - size % 4) % 4; }

// Reads what lies in memory, and nothing beyond it: after the first fault every answer is empty. What is
// given out lies in that memory.
class XdrReader {
public:
    explicit XdrReader(MutableBytes octets) : octets_(octets) {}

    std::uint32_t number() {
        const MutableBytes four = take(4);
        std::uint32_t value = 0;
        for (const std::byte octet : four) value = value << 8 | std::to_integer<std::uint32_t>(octet);
        return value;
    }
    // Of variable length, at most `most` octets; its padding may hold anything.
    MutableBytes opaque(std::size_t most) {
        const std::size_t size = number();
        if (size > most) is_good_ = false;
        const MutableBytes data = take(size);
        take(xdr_padding(data.size()));
        return is_good_ ? data : MutableBytes();
    }
    MutableBytes rest() { return take(octets_.size() - at_); }

    bool is_good() const { return is_good_; }
    bool is_at_end() const { return at_ == octets_.size(); }
    std::size_t offset() const { return at_; }

private:
    MutableBytes take(std::size_t size) {
        if (!is_good_ || size > octets_.size() - at_) {
            is_good_ = false;
            return {};
        }
        const MutableBytes part = octets_.subspan(at_, size);
        at_ += size;
        return part;
    }

    MutableBytes octets_;
    std::size_t at_ = 0;
    bool is_good_ = true;
};

class XdrWriter {
public:
    XdrWriter() : XdrWriter(512) {}
    // For about so many octets.
    explicit XdrWriter(std::size_t expected) { octets_.reserve(expected); }

    void number(std::uint32_t value) {
        const std::size_t at = octets_.size();
        octets_.resize(at + 4);
        for (std::size_t i = 0; i < 4; ++i) octets_[at + i] = static_cast<std::byte>(value >> (24 - 8 * i));
    }
    void opaque(Bytes data) {
        number(static_cast<std::uint32_t>(data.size()));
        raw(data);
        pad(data.size());
    }
    // As it is: what is XDR already.
    void raw(Bytes data) {
        const std::size_t at = octets_.size();
        octets_.resize(at + data.size());
        if (!data.empty()) std::memcpy(octets_.data() + at, data.data(), data.size());
    }
    // Room for that many octets of opaque data, whose length goes before them and its padding behind. Valid
    // until the next call.
    MutableBytes opaque_room(std::size_t size) {
        number(static_cast<std::uint32_t>(size));
        const std::size_t at = octets_.size();
        octets_.resize(at + size);
        pad(size);
        return MutableBytes(octets_).subspan(at, size);
    }

    Bytes view() const { return octets_; }
    std::vector<std::byte> take() { return std::move(octets_); }

private:
    void pad(std::size_t size) { octets_.resize(octets_.size() + xdr_padding(size)); }

    std::vector<std::byte> octets_;
};

}  // namespace mutual::wire
