// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin/query.h"

#include <gtest/gtest.h>

#include "daemon/plugin/backoff.h"

namespace mutual::plugin {
namespace {

Candidate ledger() {
    Candidate candidate;
    candidate.host = "app1.mutual.test";
    candidate.port = 7010;
    candidate.service_class = "ledger";
    candidate.service_name = "CN=led\\,ger\\5Cx,OU=ä,DC=mutual";
    candidate.trust = SourceTrust::authenticated;
    candidate.priority = 4'000'000'000U;
    return candidate;
}

TEST(CandidateText, KeepsEveryField) {
    const auto back = read_candidate(to_json(ledger())).value();
    EXPECT_EQ(to_json(back), to_json(ledger()));
    EXPECT_EQ(back.service_name, ledger().service_name);
    EXPECT_EQ(back.priority, 4'000'000'000U);
}

TEST(CandidateText, NeedsNeitherPortNorTransport) {
    Candidate candidate = ledger();
    candidate.port = 0;  // rpcbind knows it
    ASSERT_EQ(candidate.transport, "");
    const auto back = read_candidate(to_json(candidate));
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(back->port, 0);
    EXPECT_EQ(back->transport, "");
    EXPECT_TRUE(check_candidate(candidate).ok());
}

TEST(CandidateText, RefusesWhatIsOutOfRangeOrNotText) {
    const auto refuses = [](const char* field, json::value value) {
        auto text = to_json(ledger());
        text[field] = std::move(value);
        return !read_candidate(text).ok();
    };
    EXPECT_TRUE(refuses("port", -1));
    EXPECT_TRUE(refuses("port", 65536));
    EXPECT_TRUE(refuses("host", ""));
    EXPECT_TRUE(refuses("trust", "complete"));
    EXPECT_TRUE(refuses("source", json::string(1025, 'x')));
    EXPECT_TRUE(refuses("version", "a\nb"));
    EXPECT_TRUE(refuses("extra", 1));
}

TEST(CandidateText, RefusesMalformedUtf8) {
    for (const char* bad : {"\x80", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8",
                            "\xe2\x82", "\x7f"}) {
        auto candidate = ledger();
        candidate.source = bad;
        EXPECT_FALSE(check_candidate(candidate).ok());
    }
    for (const char* good : {"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", ""}) {
        auto candidate = ledger();
        candidate.source = good;
        EXPECT_TRUE(check_candidate(candidate).ok());
    }
}

TEST(QueryText, KeepsEveryFieldAndBoundsTheLimit) {
    Query query;
    query.service_class = "ledger";
    query.keywords = {"a", "b"};
    query.base = "dc=x";
    query.limit = 7;
    EXPECT_EQ(to_json(read_query(to_json(query)).value()), to_json(query));
    query.limit = 1001;
    EXPECT_FALSE(read_query(to_json(query)).ok());
}

std::string repeated(std::string_view text, std::size_t times) {
    std::string all;
    for (std::size_t i = 0; i < times; ++i) all += text;
    return all;
}

TEST(NoteText, FitsWhateverIsInIt) {
    EXPECT_EQ(fit_note("entry of \xc3\xa4"), "entry of \xc3\xa4");
    EXPECT_EQ(fit_note("a\nb\xff\xc3\xa4\x7f"), "a\\nb\\xff\xc3\xa4\\x7f");
    EXPECT_EQ(fit_note(std::string(1025, 'a')), std::string(1024, 'a'));
    EXPECT_EQ(fit_note(repeated("\xff", 1024)), repeated("\\xff", 256));
    // A directory's author chooses the name of an entry: the bound must not fall into the middle of a
    // character.
    for (std::size_t before = 0; before < 4; ++before)
        for (const char* character : {"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
            const auto note = fit_note(std::string(before, 'a') + repeated(character, 1021));
            EXPECT_LE(note.size(), longest_note);
            EXPECT_GT(note.size(), longest_note - 4);
            EXPECT_EQ(note.find('\\'), note.npos);
            EXPECT_EQ(fit_note(note), note);
        }
}

TEST(ProblemText, FitsWhateverIsInIt) {
    const auto wide = repeated("\xe2\x82\xac", 1021);
    Error back;
    ASSERT_TRUE(read_problem(to_json(Error(Code::denied, Stage::discovery, "a" + wide, wide)), back).ok());
    EXPECT_EQ(back.hint, repeated("\xe2\x82\xac", 341));
}

TEST(ProblemText, KeepsCodeAndStage) {
    Error back;
    ASSERT_TRUE(read_problem(to_json(Error(Code::timed_out, Stage::discovery, "m", "h")), back).ok());
    EXPECT_EQ(back, Error(Code::timed_out, Stage::discovery, "m", "h"));
    EXPECT_FALSE(
        read_problem({{"code", "Nonsense"}, {"stage", "discovery"}, {"message", ""}, {"hint", ""}}, back)
            .ok());
}

TEST(Backoff, DoublesUpToItsBoundAndStartsAnewAfterSuccess) {
    Backoff backoff;
    const Backoff::Time now{};
    EXPECT_FALSE(backoff.active(now));

    for (const long expected : {100, 200, 400, 800, 1600, 3200, 5000, 5000}) {
        backoff.failed(now);
        EXPECT_EQ(backoff.left(now).count(), expected);
        EXPECT_FALSE(backoff.active(now + std::chrono::milliseconds(expected)));
    }

    backoff.succeeded();
    EXPECT_FALSE(backoff.active(now));
    backoff.failed(now);
    EXPECT_EQ(backoff.left(now).count(), 100);
}

}  // namespace
}  // namespace mutual::plugin
