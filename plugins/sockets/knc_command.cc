// SPDX-License-Identifier: Apache-2.0
#include "plugins/sockets/knc_command.h"

#include <algorithm>

#include "wire/gss_record.h"

namespace mutual::sockets {
namespace {

constexpr std::size_t number_size = 4;
constexpr std::string_view unknown_command = "dont_understand";
constexpr std::string_view text_error = "txt_error";

Error malformed() {
    return {Code::protocol, Stage::channel, "peer sent a malformed command of dialect libknc"};
}

std::size_t read_number(Bytes octets) {
    std::size_t number = 0;
    for (const auto octet : octets.first(number_size))
        number = number << 8U | std::to_integer<unsigned>(octet);
    return number;
}

std::string text_of(Bytes octets) { return {reinterpret_cast<const char*>(octets.data()), octets.size()}; }

struct Named {
    Bytes sequence;
    std::string name;
    Bytes data;
};

// Takes the first command off `rest`.
std::optional<Named> take(Bytes& rest) {
    if (rest.size() < number_size) return std::nullopt;
    Named command;
    command.sequence = rest.first(number_size);
    rest = rest.subspan(number_size);
    const auto end = std::ranges::find(rest, std::byte{0});
    const auto length = static_cast<std::size_t>(end - rest.begin());
    if (length == 0 || rest.size() - length < 1 + number_size) return std::nullopt;
    command.name = text_of(rest.first(length));
    rest = rest.subspan(length + 1);
    const std::size_t size = read_number(rest);
    rest = rest.subspan(number_size);
    if (rest.size() < size) return std::nullopt;
    command.data = rest.first(size);
    rest = rest.subspan(size);
    return command;
}

void append_answer(std::vector<std::byte>& answer, Bytes sequence) {
    answer.insert(answer.end(), sequence.begin(), sequence.end());
    for (const char c : unknown_command) answer.push_back(static_cast<std::byte>(c));
    answer.resize(answer.size() + 1 + number_size);  // the end of the name, and no data
}

}  // namespace

Result<KncCommand> read_knc_command(Bytes body) {
    KncCommand command;
    if (body.size() <= 1) {
        const bool both = body.empty();
        if (!both && std::to_integer<unsigned>(body[0]) > 1) return malformed();
        command.sends_no_more = both || body[0] == std::byte{0};
        command.reads_no_more = both || body[0] == std::byte{1};
        return command;
    }
    while (!body.empty()) {
        const auto named = take(body);
        if (!named) return malformed();
        if (named->name == text_error)
            command.fault = text_of(named->data);
        else if (named->name != unknown_command)  // that answer has no answer
            append_answer(command.answer, named->sequence);
        if (command.answer.size() > wire::max_sent_plaintext)
            return Error{Code::limit, Stage::channel, "peer sent too many unknown commands at once"};
    }
    return command;
}

}  // namespace mutual::sockets
