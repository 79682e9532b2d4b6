// SPDX-License-Identifier: Apache-2.0
// Reads a plugin's part of the configuration strictly: types and ranges are checked and unknown keys refused.
// The first fault is kept; what is absent, or read after it, is the default. Ask finish() before using
// anything.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mutual/error.h"

namespace mutual::options {

namespace json = boost::json;

// The configuration as the host passes it; empty text is an empty object.
Result<json::object> parse(std::string_view text);

class Reader {
public:
    // `object` outlives the reader. `place` leads the messages: "instances[2]".
    explicit Reader(const json::object& object, std::string place = {});

    // An absent key gives nothing; a value that is not of that type is a fault.
    std::string text(std::string_view key, std::size_t longest = 1024);
    std::string required_text(std::string_view key, std::size_t longest = 1024);
    std::vector<std::string> texts(std::string_view key, std::size_t most = 64);
    std::optional<std::int64_t> number(std::string_view key, std::int64_t lowest, std::int64_t highest);
    std::vector<std::int64_t> numbers(std::string_view key, std::int64_t lowest, std::int64_t highest,
                                      std::size_t most = 64);
    std::size_t choice(std::string_view key, const std::vector<std::string_view>& names,
                       std::size_t otherwise);
    // Objects inside an array; they live in the reader's own object.
    std::vector<const json::object*> objects(std::string_view key, std::size_t most = 1024);
    void fault(std::string_view key, std::string_view complaint);

    // The first fault, an unknown key, or success.
    Result<void> finish();

private:
    const json::value* find(std::string_view key);

    const json::object& object_;
    std::string place_;
    std::vector<std::string> known_;
    std::optional<Error> error_;
};

}  // namespace mutual::options
