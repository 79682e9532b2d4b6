// SPDX-License-Identifier: Apache-2.0
// A SessionHost for tests: keeps what a Session does, answers it as real hosts do (later, never nested), and
// notes where a Session breaks the contract. Its handshakes have two tokens, as Kerberos with mutual
// authentication has: "hello N K" and "welcome N K", for context N with key K.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>

#include "mutual/transport.h"
#include "tests/fakes/security_context.h"

namespace mutual::fakes {

class FakeOutlet final : public Outlet {
public:
    MutableBytes reserve(std::size_t size) override;
    void commit(std::size_t size) override;
    std::vector<std::byte> take();                // what was committed since
    void clear() { committed_ = reserved_ = 0; }  // the same, thrown away; keeps the memory
    std::size_t size() const { return committed_; }

    std::size_t bound = 1U << 20U;
    std::function<void(std::string)> violation;

private:
    std::vector<std::byte> data_;
    std::size_t committed_ = 0;
    std::size_t reserved_ = 0;
};

class FakeHost final : public SessionHost {
public:
    explicit FakeHost(Role role);

    Outlet& network() override;
    Outlet& program() override;
    void step(ContextNumber context, Bytes token) override;
    void renew(ContextNumber context) override;
    void admit(ContextNumber context, std::string claim) override;
    void established() override;
    void discard(ContextNumber context) override;
    void network_end() override;
    void program_end(Verdict verdict) override;
    void end(Verdict verdict, std::optional<Error> error) override;
    void wake_at(Instant when) override;
    Instant now() const override { return now_; }
    Instant renew_at() const override { return renewal; }
    void hold_program(bool hold) override { program_held = hold; }
    void count_calls(std::uint64_t more) override { calls += more; }

    // What it owes the Session: answers, one at a time. True if there was one.
    bool answer_one();
    void answer_all();
    bool owes_answers() const { return !owed_.empty(); }
    void advance(std::chrono::milliseconds time);  // wakes the Session if its time has come

    // Knobs
    bool admits = true;
    ContextFlags flags = full_flags;
    std::optional<Error> step_error;     // the next step fails with it,
    std::vector<std::byte> error_token;  // and this token
    std::size_t token_size = 0;          // tokens are padded to this length
    std::size_t more_tokens = 0;         // so many more go each way, if both hosts have the same number
    std::uint64_t key = 42;              // of the next context that an initiator opens
    Instant renewal = Instant::max();
    std::string peer = "initiator@FAKE.TEST";  // of the contexts that an acceptor completes
    std::uint32_t stamp = 7;                   // of admission
    std::optional<LocalUser> acts_as;

    // What happened
    Session* session = nullptr;  // set by the test once it has made one
    FakeOutlet network_out;
    FakeOutlet program_out;
    std::vector<std::string> events;  // "step 0", "admit 0", "established", "program_end authenticated", ...
    std::vector<std::string> violations;
    bool is_established = false;
    bool network_ended = false;
    std::optional<Verdict> program_verdict;
    std::optional<Verdict> ended;
    std::optional<Error> error;
    std::optional<Instant> wake_time;
    bool program_held = false;
    std::uint64_t calls = 0;
    std::map<ContextNumber, std::unique_ptr<FakeSecurityContext>> contexts;

private:
    void note(std::string event);
    void require(bool kept, std::string_view rule);
    StepAnswer answer(ContextNumber context, const std::string& token);
    SecurityContext* complete(ContextNumber context, std::uint64_t with_key);
    std::vector<std::byte> token(std::string_view word, ContextNumber context, std::uint64_t with_key) const;

    Role role_;
    Instant now_{};
    std::map<ContextNumber, std::uint64_t> offered_;
    std::deque<std::function<void(Session&)>> owed_;
};

std::vector<std::byte> bytes_of(std::string_view text);
std::string text_of(Bytes bytes);

}  // namespace mutual::fakes
