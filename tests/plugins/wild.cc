// SPDX-License-Identifier: Apache-2.0
// A discovery plugin that misbehaves on demand: the class that is looked for says how. For tests of whatever
// loads discovery plugins.
#include <signal.h>
#include <unistd.h>

#include <map>
#include <stdexcept>
#include <string>
#include <thread>

#include "mutual/discovery.h"
#include "mutual/plugin.h"

namespace {

using namespace mutual;

Candidate candidate(const std::string& host) {
    Candidate made;
    made.host = host;
    made.port = 7010;
    made.service_class = "wild";
    made.source = "wild, pid " + std::to_string(::getpid());
    return made;
}

[[noreturn]] void hang() {
    while (true) ::pause();
}

Result<void> answer(const Query&, const TicketCache&, CandidateSink& sink) {
    sink.found(candidate("one.test"));
    sink.note("a note");
    return {};
}
Result<void> fail(const Query&, const TicketCache&, CandidateSink&) {
    return Error{Code::discovery_failed, Stage::discovery, "ask the directory: it said no", "ask again"};
}
Result<void> crash(const Query&, const TicketCache&, CandidateSink& sink) {
    sink.found(candidate("one.test"));
    ::signal(SIGSEGV, SIG_DFL);  // a sanitizer would catch it
    ::raise(SIGSEGV);
    return {};
}
Result<void> leave(const Query&, const TicketCache&, CandidateSink&) { ::_exit(7); }
Result<void> hang_after_one(const Query&, const TicketCache&, CandidateSink& sink) {
    sink.found(candidate("one.test"));
    hang();
}
Result<void> throw_something(const Query&, const TicketCache&, CandidateSink&) {
    throw std::runtime_error("a wild thing");
}
Result<void> throw_a_number(const Query&, const TicketCache&, CandidateSink&) { throw 42; }
Result<void> flood(const Query&, const TicketCache&, CandidateSink& sink) {
    const auto one = candidate("one.test");
    for (int i = 0; i < 1'000'000; ++i) {
        sink.found(one);
        sink.note("again");
    }
    return {};
}
Result<void> garbage(const Query&, const TicketCache&, CandidateSink& sink) {
    auto bad = candidate("");
    sink.found(bad);
    bad = candidate("\xff\xfe");
    sink.found(bad);
    bad = candidate("a\nb");
    sink.found(bad);
    bad = candidate("no-time.test");
    bad.ttl = std::chrono::seconds(-1);
    sink.found(bad);
    bad = candidate("huge.test");
    bad.service_name.assign(10'000'000, 'x');
    sink.found(bad);
    std::string note("\xff\n");
    note.append(10'000'000, 'x');
    sink.note(std::move(note));
    sink.found(candidate("good.test"));
    return {};
}
Result<void> close_socket(const Query&, const TicketCache&, CandidateSink&) {
    ::close(3);
    hang();
}
Result<void> write_nonsense(const Query&, const TicketCache&, CandidateSink&) {
    const char nonsense[] = "{\"parameters\":{\"candidate\":{\"host\":7}}}";
    if (::write(3, nonsense, sizeof nonsense) < 0) return Error{Code::internal, Stage::discovery, "write"};
    hang();
}
// Messages without an end and with nothing in them, in one write: more at once than they could be read one by
// one.
Result<void> write_endlessly(const Query&, const TicketCache&, CandidateSink&) {
    std::string messages;
    for (int i = 0; i < 2000; ++i) messages.append("{\"continues\":true,\"parameters\":{}}").push_back('\0');
    while (::write(3, messages.data(), messages.size()) > 0) continue;
    hang();
}
Result<void> environment(const Query&, const TicketCache& tickets, CandidateSink& sink) {
    for (char** variable = environ; *variable; ++variable) sink.note(*variable);
    sink.note("tickets " + tickets.name + " of " + tickets.principal);
    for (int fd = 4; fd < 256; ++fd)
        if (::access(("/proc/self/fd/" + std::to_string(fd)).c_str(), F_OK) == 0)
            sink.note("fd " + std::to_string(fd));
    return {};
}

using Behaviour = Result<void> (*)(const Query&, const TicketCache&, CandidateSink&);

Behaviour behaviour(const std::string& name) {
    const std::map<std::string, Behaviour> all{{"answer", answer},
                                               {"fail", fail},
                                               {"crash", crash},
                                               {"leave", leave},
                                               {"hang", hang_after_one},
                                               {"throw", throw_something},
                                               {"throw-number", throw_a_number},
                                               {"flood", flood},
                                               {"garbage", garbage},
                                               {"close", close_socket},
                                               {"nonsense", write_nonsense},
                                               {"endless", write_endlessly},
                                               {"environment", environment}};
    const auto found = all.find(name);
    return found == all.end() ? answer : found->second;
}

class Wild : public Discovery {
public:
    Result<void> find(const Query& query, const TicketCache& tickets, Deadline,
                      CandidateSink& sink) override {
        return behaviour(query.service_class)(query, tickets, sink);
    }
    Result<std::string> publish(const Publication&, const TicketCache&, Deadline) override {
        return only_finds();
    }
    Result<bool> refresh(const Publication&, const TicketCache&, Deadline) override { return only_finds(); }
    Result<void> withdraw(const Publication&, const TicketCache&, Deadline) override { return only_finds(); }
    Result<void> watch(const Query&, const TicketCache&, WatchSink) override { return only_finds(); }

private:
    static Error only_finds() {
        return {Code::invalid_request, Stage::discovery, "the wild plugin only finds"};
    }
};

// {"at_start": "crash" | "hang" | "unavailable"} misbehaves while it is loaded.
Result<std::unique_ptr<Discovery>> make(const PluginConfiguration& configuration) {
    if (configuration.json.find("crash") != std::string_view::npos) ::raise(SIGABRT);
    if (configuration.json.find("hang") != std::string_view::npos) hang();
    if (configuration.json.find("unavailable") != std::string_view::npos)
        return Error{Code::unavailable, Stage::discovery, "start wild: not today"};
    return std::unique_ptr<Discovery>(std::make_unique<Wild>());
}

}  // namespace

extern "C" __attribute__((visibility("default"))) constinit const Plugin mutual_plugin{
    plugin_magic, plugin_contract, PluginKind::discovery, "wild", "0.1", &make, nullptr, nullptr};
