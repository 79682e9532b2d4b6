// SPDX-License-Identifier: Apache-2.0
// Calls and replies of the Varlink protocol as values, and their text form. No input or output here.
#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "mutual/error.h"
#include "varlink/unique_fd.h"

namespace mutual::varlink {

namespace json = boost::json;

// Bounds on what a peer may send; checked before anything is allocated for it.
struct Limits {
    std::size_t message = 64 * 1024;  // octets of one message, without its NUL
    std::size_t depth = 16;           // nesting of JSON
    std::size_t descriptors = 1;      // with one message; more are closed and refused
};
// Among our own programs: a list of all channels must fit.
inline constexpr Limits internal_limits{16 * 1024 * 1024, 16, 64};

struct Call {
    std::string method;  // "org.mutuald.Broker.Open"
    json::object parameters;
    std::vector<UniqueFd> descriptors;
    bool oneway = false;
    bool more = false;
    bool upgrade = false;
};

struct Reply {
    std::string error;  // "org.mutuald.Broker.Denied"; empty: success
    json::object parameters;
    std::vector<UniqueFd> descriptors;
    bool continues = false;
    // To a call with `upgrade`: takes the connection, which carries no messages any more, once the reply is
    // wholly written. Destroyed without having been called if it could not be written.
    std::function<void(UniqueFd)> take_over;
};

// Refused as `protocol`: not JSON, too deep, not an object, a wrong type, no method, both oneway and more.
Result<Call> parse_call(std::string_view text, const Limits& limits);
Result<Reply> parse_reply(std::string_view text, const Limits& limits);
// Without the NUL. Descriptors are not part of the text.
std::string to_text(const Call& call);
std::string to_text(const Reply& reply);

// An Error as a reply of that interface: "<interface>.<code>" with stage, message and hint; and back. A
// standard error (org.varlink.service.*) becomes invalid_request, one that we do not know becomes internal.
Reply failure(std::string_view interface, const Error& error);
Error error_of(const Reply& reply);

// Splits a stream at its NULs. feed() takes whatever arrived; next() gives one message at a time, and the
// same ones whatever way the stream came in pieces. Whoever feeds only when next() has nothing to give keeps
// it bounded.
class MessageSplitter {
public:
    explicit MessageSplitter(std::size_t limit) : limit_(limit) {}
    void feed(std::string_view bytes);
    // False: no whole message is there. `limit`: the next one is longer than the limit; the stream cannot be
    // used any more.
    Result<bool> next(std::string& message);
    bool has_leftovers() const { return start_ < buffer_.size(); }

private:
    std::string buffer_;
    std::size_t start_ = 0;    // of what has not been given out
    std::size_t scanned_ = 0;  // no NUL before here
    std::size_t limit_;
};

}  // namespace mutual::varlink
