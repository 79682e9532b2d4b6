// SPDX-License-Identifier: Apache-2.0
// An initiator's first token, before any key is used.
#include "daemon/keys/first_token.h"

#include "daemon/keys/krb5_handle.h"
#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    ::setenv("KRB5_CONFIG", "/dev/null", 1);
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutual::fuzz;
    const std::string_view token(reinterpret_cast<const char*>(data), size);
    const auto asked = mutual::keys::read_first_token(token);
    if (!accepted(asked)) {
        require(asked.error().code == mutual::Code::protocol, "what cannot be read is a fault of the peer's");
        return 0;
    }
    require(asked->principal.find('@') != std::string::npos, "a principal has a realm", asked->principal);
    for (std::size_t length = 0; length < size; ++length)
        require(!mutual::keys::read_first_token(token.substr(0, length)), "no part of a token is one");
    require(!mutual::keys::read_first_token(std::string(token) + '\0'), "nothing follows a token");
    return 0;
}
