// SPDX-License-Identifier: Apache-2.0
#include "client/mutualctl/output.h"

#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstring>

#include "client/mutualctl/exit_status.h"
#include "client/mutualctl/reports.h"

namespace mutual::ctl {

namespace {

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::write(fd, text.data(), text.size());
        if (count < 0 && errno != EINTR) return false;
        if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

void show(Stream stream, std::string_view text) {
    if (stream == Stream::output)
        print(text);
    else
        complain(text);
}

}  // namespace

int print(std::string_view text) {
    if (write_all(STDOUT_FILENO, text)) return exit_ok;
    complain(std::string("mutualctl: cannot write standard output: ") + std::strerror(errno) + "\n");
    return exit_failed;
}

void complain(std::string_view text) { write_all(STDERR_FILENO, text); }

std::string json_line(const varlink::Reply& reply) {
    boost::json::object shown = client::without_descriptors(reply.parameters);
    if (reply.error.empty()) return boost::json::serialize(shown) + "\n";
    const boost::json::object refusal{{"error", reply.error}, {"parameters", std::move(shown)}};
    return boost::json::serialize(refusal) + "\n";
}

int fail(const Options& options, std::string_view what_for, const Error& error, const varlink::Reply& reply,
         const std::optional<client::Explanation>& explanation, Stream stream) {
    if (options.json) {
        show(stream, reply.error.empty() ? json_line(varlink::failure(client::broker_name, error))
                                         : json_line(reply));
        return exit_status(error.code);
    }
    std::string text = failure_text(what_for, error);
    if (explanation && !options.quiet) text += explanation_text(*explanation);
    complain(text);
    return exit_status(error.code);
}

int fail(const Options& options, std::string_view what_for, const Error& error, int status, Stream stream) {
    fail(options, what_for, error, varlink::failure(client::broker_name, error), std::nullopt, stream);
    return status;
}

}  // namespace mutual::ctl
