// SPDX-License-Identifier: Apache-2.0
#include "varlink/message.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>

namespace mutual::varlink {

namespace {

Error broken(std::string message) { return {Code::protocol, Stage::request, std::move(message)}; }

// "1e400" is read as infinite, and could only be written as what is not JSON.
bool is_finite(const json::value& value) {
    if (const double* number = value.if_double()) return std::isfinite(*number);
    if (const json::array* array = value.if_array())
        return std::all_of(array->begin(), array->end(), is_finite);
    if (const json::object* object = value.if_object())
        return std::all_of(object->begin(), object->end(),
                           [](const json::key_value_pair& member) { return is_finite(member.value()); });
    return true;
}

Result<json::object> parse_object(std::string_view text, const Limits& limits) {
    if (text.size() > limits.message) return broken("message is longer than the limit");
    json::parse_options options;
    options.max_depth = limits.depth;
    boost::system::error_code problem;
    json::value value = json::parse(text, problem, {}, options);
    if (problem) return broken("message is not JSON: " + problem.message());
    if (!value.is_object()) return broken("message is not a JSON object");
    if (!is_finite(value)) return broken("message holds a number that is too large");
    return std::move(value.as_object());
}

// Absent is false; anything but a boolean is a fault.
bool read_flag(const json::object& object, std::string_view key, bool& flag) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr || value->is_null()) return true;
    if (!value->is_bool()) return false;
    flag = value->as_bool();
    return true;
}

bool read_parameters(json::object& object, json::object& parameters) {
    json::value* value = object.if_contains("parameters");
    if (value == nullptr || value->is_null()) return true;
    if (!value->is_object()) return false;
    parameters = std::move(value->as_object());
    return true;
}

std::string last_component(std::string_view name) { return std::string(name.substr(name.rfind('.') + 1)); }

std::string text_of(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr || !value->is_string()) return {};
    return std::string(value->as_string());
}

}  // namespace

Result<Call> parse_call(std::string_view text, const Limits& limits) {
    Result<json::object> object = parse_object(text, limits);
    if (!object) return object.error();
    Call call;
    const json::value* method = object->if_contains("method");
    if (method == nullptr || !method->is_string()) return broken("call has no method");
    call.method = method->as_string();
    if (!read_flag(*object, "oneway", call.oneway) || !read_flag(*object, "more", call.more) ||
        !read_flag(*object, "upgrade", call.upgrade))
        return broken("oneway, more and upgrade are booleans");
    if (call.oneway && (call.more || call.upgrade)) return broken("a oneway call has no replies");
    if (!read_parameters(*object, call.parameters)) return broken("parameters is not an object");
    return call;
}

Result<Reply> parse_reply(std::string_view text, const Limits& limits) {
    Result<json::object> object = parse_object(text, limits);
    if (!object) return object.error();
    Reply reply;
    const json::value* error = object->if_contains("error");
    if (error != nullptr && !error->is_null()) {
        if (!error->is_string() || error->as_string().empty()) return broken("error is not a name");
        reply.error = error->as_string();
    }
    if (!read_flag(*object, "continues", reply.continues)) return broken("continues is not a boolean");
    if (!read_parameters(*object, reply.parameters)) return broken("parameters is not an object");
    return reply;
}

std::string to_text(const Call& call) {
    std::string text = R"({"method":)" + json::serialize(json::string_view(call.method));
    if (!call.parameters.empty()) text += R"(,"parameters":)" + json::serialize(call.parameters);
    if (call.oneway) text += R"(,"oneway":true)";
    if (call.more) text += R"(,"more":true)";
    if (call.upgrade) text += R"(,"upgrade":true)";
    text += '}';
    return text;
}

std::string to_text(const Reply& reply) {
    std::string text = "{";
    if (!reply.error.empty()) text += R"("error":)" + json::serialize(json::string_view(reply.error)) + ',';
    text += R"("parameters":)" + json::serialize(reply.parameters);
    if (reply.continues) text += R"(,"continues":true)";
    text += '}';
    return text;
}

Reply failure(std::string_view interface, const Error& error) {
    Reply reply;
    reply.error = std::string(interface) + "." + std::string(name(error.code));
    reply.parameters["stage"] = name(error.stage);
    reply.parameters["message"] = error.message;
    reply.parameters["hint"] = error.hint;
    return reply;
}

Error error_of(const Reply& reply) {
    if (reply.error.starts_with("org.varlink.service."))
        return {Code::invalid_request, Stage::request,
                last_component(reply.error) + ": " + json::serialize(reply.parameters)};
    Error error;
    const std::string code = last_component(reply.error);
    error.code = code_named(code).value_or(Code::internal);
    error.stage = stage_named(text_of(reply.parameters, "stage")).value_or(Stage::request);
    error.message = text_of(reply.parameters, "message");
    error.hint = text_of(reply.parameters, "hint");
    if (error.message.empty()) error.message = reply.error;
    return error;
}

void MessageSplitter::feed(std::string_view bytes) {
    if (start_ > 0) {
        buffer_.erase(0, start_);
        scanned_ -= start_;
        start_ = 0;
    }
    buffer_.append(bytes);
}

Result<bool> MessageSplitter::next(std::string& message) {
    const std::size_t end = buffer_.find('\0', scanned_);
    if (std::min(end, buffer_.size()) - start_ > limit_)
        return Error(Code::limit, Stage::request, "message is longer than the limit");
    if (end == std::string::npos) {
        scanned_ = buffer_.size();
        return false;
    }
    message.assign(buffer_, start_, end - start_);
    start_ = end + 1;
    scanned_ = start_;
    if (start_ == buffer_.size()) {
        buffer_.clear();
        if (buffer_.capacity() > 4096) buffer_.shrink_to_fit();
        start_ = scanned_ = 0;
    }
    return true;
}

}  // namespace mutual::varlink
