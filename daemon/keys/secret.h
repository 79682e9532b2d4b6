// SPDX-License-Identifier: Apache-2.0
// Bytes that are wiped when they go: tickets, keys, exported contexts.
#pragma once

#include <string.h>

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

namespace mutual::keys {

class Secret {
public:
    Secret() = default;
    explicit Secret(std::size_t size) : bytes_(std::make_unique<char[]>(size)), size_(size) {}
    explicit Secret(std::string_view bytes) : Secret(bytes.size()) { bytes.copy(data(), bytes.size()); }
    Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}
    Secret& operator=(Secret&& other) noexcept {
        if (this == &other) return *this;
        wipe();
        bytes_ = std::move(other.bytes_);
        size_ = std::exchange(other.size_, 0);
        return *this;
    }
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret() { wipe(); }

    char* data() { return bytes_.get(); }
    std::size_t size() const { return size_; }
    std::string_view view() const { return {bytes_.get(), size_}; }

private:
    void wipe() {
        if (bytes_) ::explicit_bzero(bytes_.get(), size_);
    }

    std::unique_ptr<char[]> bytes_;
    std::size_t size_ = 0;
};

}  // namespace mutual::keys
