// SPDX-License-Identifier: Apache-2.0
// The floor of the figures: what the Kerberos library alone takes on one core, in plain loops over real
// contexts that need no KDC. Shows one JSON object; rates are per second of the clock and per second of CPU.
#include <gssapi/gssapi.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <stdexcept>
#include <string>
#include <vector>

#include "daemon/channel/forged_realm.h"

namespace {

using mutual::channel::testing::ForgedRealm;
using mutual::channel::testing::Handshake;

constexpr std::size_t record = 16 * 1024;
constexpr std::size_t small = 64;
constexpr auto budget = std::chrono::milliseconds(1500);

double cpu_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Rate {
    double per_second = 0;
    double per_cpu_second = 0;
};

// How often `once` runs in a second.
template <class Once>
Rate rate_of(Once once) {
    const auto begun = std::chrono::steady_clock::now();
    const double cpu_begun = cpu_seconds();
    std::uint64_t count = 0;
    while (std::chrono::steady_clock::now() - begun < budget) once(), ++count;
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begun;
    const auto done = static_cast<double>(count);
    return {done / wall.count(), done / (cpu_seconds() - cpu_begun)};
}

void require(bool holds, const char* what) {
    if (!holds) throw std::runtime_error(what);
}

using Message = std::vector<char>;

Message wrapped(gss_ctx_id_t context, Message& plaintext) {
    gss_buffer_desc input{plaintext.size(), plaintext.data()};
    gss_buffer_desc output = GSS_C_EMPTY_BUFFER;
    OM_uint32 minor = 0;
    int confidential = 0;
    const auto major = gss_wrap(&minor, context, 1, GSS_C_QOP_DEFAULT, &input, &confidential, &output);
    require(major == GSS_S_COMPLETE && confidential != 0, "gss_wrap failed");
    const auto* octets = static_cast<const char*>(output.value);
    Message token(octets, octets + output.length);
    gss_release_buffer(&minor, &output);
    return token;
}

void wrap_once(gss_ctx_id_t context, Message& plaintext) {
    gss_buffer_desc input{plaintext.size(), plaintext.data()};
    gss_buffer_desc output = GSS_C_EMPTY_BUFFER;
    OM_uint32 minor = 0;
    const auto major = gss_wrap(&minor, context, 1, GSS_C_QOP_DEFAULT, &input, nullptr, &output);
    require(major == GSS_S_COMPLETE, "gss_wrap failed");
    gss_release_buffer(&minor, &output);
}

void unwrap_once(gss_ctx_id_t context, Message& token) {
    gss_buffer_desc input{token.size(), token.data()};
    gss_buffer_desc output = GSS_C_EMPTY_BUFFER;
    OM_uint32 minor = 0;
    // A token seen before is opened all the same, and called a duplicate.
    const auto major = gss_unwrap(&minor, context, &input, &output, nullptr, nullptr);
    require(!GSS_ERROR(major), "gss_unwrap failed");
    gss_release_buffer(&minor, &output);
}

void show(const char* name, Rate rate, const char* end) {
    std::printf("\"%s\": {\"per_second\": %.1f, \"per_cpu_second\": %.1f}%s", name, rate.per_second,
                rate.per_cpu_second, end);
}

void measure() {
    const ForgedRealm realm;
    const auto [initiator, acceptor] = realm.established();
    Message plaintext(record, 'x');
    Message few(small, 'x');
    Message token = wrapped(initiator->context(), plaintext);
    const auto wraps = rate_of([&] { wrap_once(initiator->context(), plaintext); });
    const auto unwraps = rate_of([&] { unwrap_once(acceptor->context(), token); });
    const auto round_trips = rate_of([&] {
        Message there = wrapped(initiator->context(), few);
        unwrap_once(acceptor->context(), there);
        Message back = wrapped(acceptor->context(), few);
        unwrap_once(initiator->context(), back);
    });
    const auto handshakes = rate_of([&] { realm.established(); });
    std::printf("{\"record\": %zu, ", record);
    show("wrap", wraps, ", ");
    show("unwrap", unwraps, ", ");
    show("round_trip", round_trips, ", ");
    show("handshake", handshakes, "}\n");
}

}  // namespace

int main() {
    try {
        measure();
        return 0;
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "gss_floor: %s\n", failure.what());
        return 1;
    }
}
