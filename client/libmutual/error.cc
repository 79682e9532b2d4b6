// SPDX-License-Identifier: Apache-2.0
#include "client/libmutual/error.h"

#include "client/printable.h"

namespace mutual::client {

namespace {

constexpr int first_code = MUTUAL_INVALID_REQUEST;
static_assert(MUTUAL_INTERNAL - first_code + 1 == code_names.size());
static_assert(MUTUAL_REFUSED_BY_PEER - first_code == static_cast<int>(Code::refused_by_peer));

std::string explanation_text(const Explanation& explanation) {
    std::string text;
    for (const Line& line : explanation.lines)
        text.append(printable(line.stage))
            .append(" ")
            .append(printable(line.decision))
            .append(": ")
            .append(printable(line.message))
            .append("\n");
    return text;
}

}  // namespace

Failure failure(const Error& error) { return failure(error, std::nullopt); }

Failure failure(const Error& error, const std::optional<Explanation>& explanation) {
    return Failure(new mutual_error{error.code, std::string(name(error.stage)), printable(error.message),
                                    printable(error.hint),
                                    explanation ? printable(explanation->request) : std::string(),
                                    explanation ? explanation_text(*explanation) : std::string()});
}

mutual_code code_of(const mutual_error& error) {
    return static_cast<mutual_code>(static_cast<int>(error.code) + first_code);
}

}  // namespace mutual::client

using namespace mutual;

const char* mutual_code_name(mutual_code code) {
    if (code == MUTUAL_OK) return "OK";
    if (code == MUTUAL_AGAIN) return "Again";
    const auto index = static_cast<std::size_t>(code) - client::first_code;
    return index < code_names.size() ? code_names[index].data() : "Unknown";
}

mutual_code mutual_error_code(const mutual_error* error) {
    return error == nullptr ? MUTUAL_LIMIT : client::code_of(*error);
}

const char* mutual_error_stage(const mutual_error* error) {
    return error == nullptr ? "request" : error->stage.c_str();
}

const char* mutual_error_message(const mutual_error* error) {
    return error == nullptr ? "out of memory" : error->message.c_str();
}

const char* mutual_error_hint(const mutual_error* error) {
    return error == nullptr ? "" : error->hint.c_str();
}

const char* mutual_error_request(const mutual_error* error) {
    return error == nullptr ? "" : error->request.c_str();
}

const char* mutual_error_explanation(const mutual_error* error) {
    return error == nullptr ? "" : error->explanation.c_str();
}

void mutual_error_free(mutual_error* error) { delete error; }
