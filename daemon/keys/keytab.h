// SPDX-License-Identifier: Apache-2.0
// Keytab files: who may have written or read one, and what it holds. Never gives out a key.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mutual/error.h"

namespace mutual::keys {

struct KeyEntry {
    std::string principal;
    std::uint32_t kvno = 0;
    std::string enctype;
    std::int32_t enctype_number = 0;
};

// invalid_configuration, naming file and mode: not an absolute path, absent, not a regular file, owned by
// someone other than root and this program, readable by others, or writable by more than its owner.
Result<void> check_keytab_file(const std::string& path);

// Checks the file, then reads what it holds. no_credentials: it holds nothing.
Result<std::vector<KeyEntry>> list_keys(const std::string& path);

// The first principal of class `host`.
Result<std::string> host_principal(const std::string& path);

// "kvno 3, 4 (aes256-cts-hmac-sha1-96)" as a list for people; empty if the keytab holds no key of that
// principal.
std::string kvnos_held(const std::vector<KeyEntry>& keys, std::string_view principal);

std::string enctype_name(std::int32_t enctype);

}  // namespace mutual::keys
