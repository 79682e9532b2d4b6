// SPDX-License-Identifier: Apache-2.0
// What a fetcher, a process of its user's, hands over for a ticket.
#include "daemon/keys/ticket.h"

#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/property.h"
#include "varlink/unique_fd.h"

namespace mutual::fuzz {
namespace {

using namespace keys;

krb5_context library() {
    static const Result<Krb5Context> context = make_krb5_context();
    return context->get();
}

// How many credentials libkrb5 finds in the cache file, which are all for `server`.
std::size_t credentials_in(const Secret& file, const std::string& server) {
    const UniqueFd memory(::memfd_create("cache", MFD_CLOEXEC));
    require(::write(memory.value(), file.view().data(), file.size()) == static_cast<ssize_t>(file.size()),
            "a cache file can be written");
    Krb5Cache cache(library());
    const std::string name = "FILE:/proc/self/fd/" + std::to_string(memory.value());
    require(krb5_cc_resolve(library(), name.c_str(), cache.out()) == 0, "a cache has a name");
    krb5_cc_cursor cursor = nullptr;
    require(krb5_cc_start_seq_get(library(), cache.get(), &cursor) == 0, "a cache file can be read");
    std::size_t count = 0;
    krb5_creds creds{};
    while (krb5_cc_next_cred(library(), cache.get(), &cursor, &creds) == 0) {
        ++count;
        require(to_text(library(), creds.server) == server, "a cache holds what was checked", server);
        krb5_free_cred_contents(library(), &creds);
    }
    krb5_cc_end_seq_get(library(), cache.get(), &cursor);
    return count;
}

}  // namespace
}  // namespace mutual::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    ::setenv("KRB5_CONFIG", "/dev/null", 1);
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutual::fuzz;
    const std::string_view octets(reinterpret_cast<const char*>(data), size);
    const auto ticket = unmarshal(Secret(octets));
    if (!accepted(ticket)) return 0;
    require(ticket->marshalled.view() == octets, "a ticket is all of what came");
    const bool is_good = accepted(check_ticket(*ticket, ticket->server, 0));
    const auto file = cache_file_of(*ticket);
    if (!accepted(file)) return 0;
    // libkrb5 passes over one that it takes for removed; such a one has expired.
    const auto count = credentials_in(*file, ticket->server);
    require(count == 1 || (count == 0 && !is_good), "a cache file holds one credential");
    return 0;
}
