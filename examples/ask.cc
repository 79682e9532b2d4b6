// SPDX-License-Identifier: Apache-2.0
// ask_cc SERVICE QUESTION: opens a channel to a service, sends the question, shows the answer.
//
//     c++ -std=c++17 -o ask_cc ask.cc $(pkg-config --cflags --libs mutual)
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <iostream>
#include <mutual/mutual.hpp>
#include <string>
#include <string_view>
#include <system_error>

namespace {

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

// MSG_NOSIGNAL: a channel that ended is an error, not a signal.
void send_all(int channel, std::string_view text) {
    while (!text.empty()) {
        const ssize_t sent = ::send(channel, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent < 0) fail("send");
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
    if (::shutdown(channel, SHUT_WR) != 0) fail("end the question");
}

std::string read_all(int channel) {
    std::string text;
    std::array<char, 4096> buffer;
    for (;;) {
        const ssize_t size = ::read(channel, buffer.data(), buffer.size());
        if (size < 0) fail("receive");
        if (size == 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(size));
    }
}

int ask(const std::string& service, const std::string& question) {
    mutual::Request request;
    request.service = service;
    // After this, the peer has proved its name, and it has admitted us.
    const mutual::Channel channel = mutual::open(request);
    std::cerr << "ask: " << channel.peer() << ", this is " << channel.self() << '\n';
    send_all(channel.fd(), question);
    std::cout << read_all(channel.fd()) << std::flush;
    // The end of a stream may have been forged, unless the daemon says that the peer proved it.
    const mutual_verdict verdict = mutual::end(channel.fd());
    if (verdict == MUTUAL_END_AUTHENTICATED) return 0;
    std::cerr << "ask: the answer may be incomplete: the stream's end is " << mutual_verdict_name(verdict)
              << '\n';
    return 1;
}

}  // namespace

int main(int count, char** words) {
    if (count != 3) {
        std::cerr << "usage: ask_cc SERVICE QUESTION\n";
        return 2;
    }
    try {
        return ask(words[1], words[2]);
    } catch (const mutual::Failure& failure) {
        // What happened, where, and often what to do about it.
        std::cerr << "ask: " << mutual_code_name(failure.code()) << " at " << failure.stage() << ": "
                  << failure.what() << '\n';
        if (*failure.hint() != '\0') std::cerr << "hint: " << failure.hint() << '\n';
    } catch (const std::exception& failure) {
        std::cerr << "ask: " << failure.what() << '\n';
    }
    return 1;
}
