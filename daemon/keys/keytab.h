// SPDX-License-Identifier: Apache-2.0
// What a keytab file holds. Never gives out a key.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/keys/keytab_file.h"
#include "mutual/error.h"

namespace mutual::keys {

struct KeyEntry {
    std::string principal;
    std::uint32_t kvno = 0;
    std::string enctype;
    std::int32_t enctype_number = 0;
};

// no_credentials: it holds nothing.
Result<std::vector<KeyEntry>> list_keys(const KeytabFile& file);

// The first principal of class `host`; `path` is for the error.
Result<std::string> host_principal(const std::vector<KeyEntry>& keys, const std::string& path);

// "3 (aes256-cts-hmac-sha1-96), 4 (...)" as a list of key version numbers for people; empty if the keytab
// holds no key of that principal.
std::string kvnos_held(const std::vector<KeyEntry>& keys, std::string_view principal);

// no_credentials: the keytab at `path` holds none of that principal's.
Error no_key(const std::string& path, const std::string& principal);

std::string enctype_name(std::int32_t enctype);

}  // namespace mutual::keys
