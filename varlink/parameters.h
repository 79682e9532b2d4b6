// SPDX-License-Identifier: Apache-2.0
// Reads the parameters of a call or reply strictly: types and ranges are checked, unknown fields are refused.
// The first fault is kept; what is read after it, and what is absent, is the default. Ask finish() before
// using anything.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mutual/error.h"
#include "varlink/unique_fd.h"

namespace mutual::varlink {

namespace json = boost::json;

class Parameters {
public:
    // `object` and `descriptors` outlive this reader. `what` leads the message: "Open".
    explicit Parameters(const json::object& object, std::vector<UniqueFd>* descriptors = nullptr,
                        std::string_view what = {});

    std::string text(std::string_view field, std::size_t longest = 4096);  // no NUL inside
    std::optional<std::string> optional_text(std::string_view field, std::size_t longest = 4096);
    std::vector<std::string> texts(std::string_view field, std::size_t most = 256,
                                   std::size_t longest = 4096);
    std::vector<std::string> optional_texts(std::string_view field, std::size_t most = 256,
                                            std::size_t longest = 4096);
    std::int64_t number(std::string_view field, std::int64_t lowest = 0,
                        std::int64_t highest = std::numeric_limits<std::int64_t>::max());
    std::optional<std::int64_t> optional_number(
        std::string_view field, std::int64_t lowest = 0,
        std::int64_t highest = std::numeric_limits<std::int64_t>::max());
    std::vector<std::int64_t> numbers(std::string_view field, std::size_t most, std::int64_t lowest,
                                      std::int64_t highest);
    bool flag(std::string_view field);
    std::optional<bool> optional_flag(std::string_view field);
    json::object object(std::string_view field);
    std::optional<json::object> optional_object(std::string_view field);
    // Objects inside an array.
    std::vector<json::object> objects(std::string_view field, std::size_t most = 1024);
    std::vector<json::object> optional_objects(std::string_view field, std::size_t most = 1024);
    // One of the names; the index of the one that was given.
    std::size_t choice(std::string_view field, std::initializer_list<std::string_view> names);
    std::optional<std::size_t> optional_choice(std::string_view field,
                                               std::initializer_list<std::string_view> names);
    // The descriptor whose index the field holds; each can be taken once.
    UniqueFd descriptor(std::string_view field);
    UniqueFd optional_descriptor(std::string_view field);
    std::vector<UniqueFd> descriptors(std::string_view field, std::size_t most = 64);
    // A fault found by the reader's user.
    void fault(std::string_view field, std::string_view complaint);

    // The first fault, an unknown field, or success.
    Result<void> finish();
    // The same, for what may have more fields than we know (a newer peer's reply).
    Result<void> finish_loosely();

private:
    const json::value* find(std::string_view field, bool required);
    UniqueFd take(std::string_view field, const json::value& index);

    const json::object& object_;
    std::vector<UniqueFd>* descriptors_;
    std::string what_;
    std::set<std::string, std::less<>> known_;
    std::optional<Error> error_;
};

}  // namespace mutual::varlink
