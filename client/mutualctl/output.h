// SPDX-License-Identifier: Apache-2.0
// Standard output and standard error of mutualctl, and how a failure is shown there.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "client/broker_client.h"
#include "client/mutualctl/options.h"

namespace mutual::ctl {

enum class Stream { output, error };

// Writes all of it. The exit status: exit_failed if standard output does not take it.
int print(std::string_view text);
void complain(std::string_view text);

// One line of JSON: a reply's parameters, or {"error": ..., "parameters": ...}.
std::string json_line(const varlink::Reply& reply);

// `what_for` completes "cannot": "list the channels". JSON goes to `stream`, text for people to standard
// error.
int fail(const Options& options, std::string_view what_for, const Error& error, const varlink::Reply& reply,
         const std::optional<client::Explanation>& explanation, Stream stream = Stream::output);

// A failure before any reply.
int fail(const Options& options, std::string_view what_for, const Error& error, int status,
         Stream stream = Stream::output);

template <class T>
int fail(const Options& options, std::string_view what_for, const client::Answer<T>& answer,
         Stream stream = Stream::output) {
    return fail(options, what_for, answer.result.error(), answer.reply, answer.explanation, stream);
}

}  // namespace mutual::ctl
