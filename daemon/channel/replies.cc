// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/replies.h"

#include "varlink/base64.h"
#include "varlink/parameters.h"

namespace mutual::channel {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_token = 128 * 1024;
constexpr std::int64_t latest = 0xffffffff;  // of Kerberos: a 32-bit time
constexpr std::size_t longest_text = (longest_token + 2) / 3 * 4;

Error broken_answer(const std::string& why) {
    return {Code::internal, Stage::handshake, "ask mutuald-keys for a step: " + why};
}

std::vector<std::byte> read_token(varlink::Parameters& read, std::string_view field) {
    const auto text = read.optional_text(field, longest_text);
    auto token = varlink::bytes_from_base64(text.value_or(""));
    if (token) return std::move(*token);
    read.fault(field, "is not base64");
    return {};
}

ContextFlags read_flags(varlink::Parameters& outer) {
    const json::object object = outer.object("flags");
    varlink::Parameters read(object);
    ContextFlags flags;
    flags.mutual = read.flag("mutual");
    flags.confidentiality = read.flag("confidentiality");
    flags.integrity = read.flag("integrity");
    flags.replay = read.flag("replay");
    flags.sequence = read.flag("sequence");
    flags.delegation = read.flag("delegation");
    if (auto finished = read.finish_loosely(); !finished) outer.fault("flags", finished.error().message);
    return flags;
}

// The part of an answer that is there when the handshake is complete.
void read_completion(varlink::Parameters& read, StepReply& step) {
    step.context = read.text("context", 32);
    step.memory = read.descriptor("contextFileDescriptor");
    step.facts.initiator = read.text("initiator");
    step.facts.acceptor = read.text("acceptor");
    step.facts.flags = read_flags(read);
    step.facts.expires =
        std::chrono::system_clock::time_point(std::chrono::seconds(read.number("expires", 0, latest)));
    if (step.context.empty() || step.facts.initiator.empty() || step.facts.acceptor.empty())
        read.fault("context", "or a name is empty");
}

std::optional<LocalUser> read_local_user(varlink::Parameters& outer) {
    const auto object = outer.optional_object("actsAs");
    if (!object) return std::nullopt;
    constexpr std::int64_t highest = 0xffffffffLL;
    varlink::Parameters read(*object);
    LocalUser user;
    user.uid = static_cast<std::uint32_t>(read.number("uid", 0, highest));
    user.gid = static_cast<std::uint32_t>(read.number("gid", 0, highest));
    for (const std::int64_t gid : read.numbers("gids", 16, 0, highest))
        user.gids.push_back(static_cast<std::uint32_t>(gid));
    if (auto finished = read.finish_loosely(); !finished) outer.fault("actsAs", finished.error().message);
    return user;
}

StepReply read_failure(const varlink::Reply& reply) {
    StepReply step;
    varlink::Parameters read(reply.parameters);
    step.token = read_token(read, "errorToken");
    step.error = varlink::error_of(reply);
    return step;
}

}  // namespace

StepReply read_step_reply(varlink::Reply& reply) {
    if (!reply.error.empty()) return read_failure(reply);
    StepReply step;
    varlink::Parameters read(reply.parameters, &reply.descriptors, "Step");
    step.token = read_token(read, "token");
    step.done = read.flag("done");
    step.last = read.optional_flag("last").value_or(false);
    if (step.done) read_completion(read, step);
    if (auto finished = read.finish_loosely(); !finished)
        step.error = broken_answer(finished.error().message);
    return step;
}

Result<Admitted> read_admitted(varlink::Reply reply) {
    if (!reply.error.empty()) {
        Error error = varlink::error_of(reply);
        error.stage = Stage::admission;
        return error;
    }
    varlink::Parameters read(reply.parameters, &reply.descriptors, "Admit");
    Admitted admitted;
    admitted.context = read.text("context", 64);
    admitted.channel = read.text("channel", 256);
    admitted.program = read.optional_descriptor("programFileDescriptor");
    admitted.rule = read.text("rule");
    admitted.cookie = static_cast<std::uint64_t>(read.number("cookie"));
    admitted.caller = static_cast<uid_t>(read.number("callerUid", 0, 0xffffffffLL));
    admitted.unit = read.optional_text("callerUnit", 256).value_or("");
    admitted.acts_as = read_local_user(read);
    admitted.wants_to_know_end = read.optional_flag("wantsToKnowEnd").value_or(true);
    if (auto finished = read.finish_loosely(); !finished) return finished.error();
    return admitted;
}

}  // namespace mutual::channel
