// SPDX-License-Identifier: Apache-2.0
// A transport that breaks the contract on demand: its option `sin` says how. What it gets from the network is
// a token, whole and unframed. For tests of the host.
#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>

#include "mutual/plugin.h"
#include "mutual/transport.h"

namespace {

using namespace mutual;

class WildSession : public Session {
public:
    WildSession(SessionParameters parameters, SessionHost& host)
        : parameters_(std::move(parameters)), host_(host) {}

    void start() override {
        if (sins("throw")) throw std::runtime_error("a wild thing");
        if (sins("throw-number")) throw 42;
        if (sins("tell-program")) tell_program();
        if (sins("establish")) host_.established();
        if (sins("admit")) host_.admit(0, "nobody");
        if (sins("endless-contexts"))
            for (ContextNumber number = 0; number <= max_contexts; ++number) host_.step(number, {});
        if (parameters_.role == Role::initiator) host_.step(0, {});
    }
    void network_bytes(MutableBytes bytes) override { host_.step(0, bytes); }
    void network_end() override { host_.end(Verdict::reset, std::nullopt); }
    void program_bytes(Bytes) override {}
    void program_end() override {}
    void stepped(ContextNumber, StepAnswer answer) override {
        if (answer.error) return host_.end(Verdict::reset, answer.error);
        send(answer.token);
        if (answer.established == nullptr) return;
        if (sins("step-again")) host_.step(0, {});
        if (sins("establish-unadmitted")) {
            host_.established();
            tell_program();
        }
        if (sins("tell-unadmitted")) tell_program();
        if (sins("admit-twice")) host_.admit(0, "once");
        host_.admit(0, "a peer");
    }
    void admitted(ContextNumber, AdmissionAnswer answer) override {
        if (!answer.admitted && !sins("establish-refused")) return host_.end(Verdict::denied, std::nullopt);
        host_.established();
    }
    void wake() override {}

private:
    bool sins(std::string_view sin) const {
        return parameters_.options.find("\"" + std::string(sin) + "\"") != std::string::npos;
    }
    void tell_program() { put(host_.program(), std::as_bytes(std::span(std::string_view("unproven")))); }
    void send(Bytes bytes) { put(host_.network(), bytes); }
    static void put(Outlet& outlet, Bytes bytes) {
        const auto room = outlet.reserve(bytes.size());
        std::copy(bytes.begin(), bytes.end(), room.begin());
        outlet.commit(bytes.size());
    }

    SessionParameters parameters_;
    SessionHost& host_;
};

class WildTransport : public Transport {
public:
    Result<std::unique_ptr<Session>> session(const SessionParameters& parameters,
                                             SessionHost& host) override {
        if (parameters.options.find("\"no-session\"") != std::string::npos)
            throw std::runtime_error("no session");
        return std::unique_ptr<Session>(std::make_unique<WildSession>(parameters, host));
    }
};

Result<std::unique_ptr<Transport>> make(const PluginConfiguration&) {
    return std::unique_ptr<Transport>(std::make_unique<WildTransport>());
}

}  // namespace

extern "C" __attribute__((visibility("default"))) constinit const mutual::Plugin mutual_plugin{
    mutual::plugin_magic,
    mutual::plugin_contract,
    mutual::PluginKind::transport,
    "wild",
    "1",
    nullptr,
    &make,
    nullptr};
