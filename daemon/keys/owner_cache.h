// SPDX-License-Identifier: Apache-2.0
// Opening a credential cache as its owner, in a process that has become that owner: which kinds are allowed,
// and what a cache file must be. Blocks for as long as its owner likes; so only a fetcher may call it.
#pragma once

#include <string>

#include "daemon/keys/krb5_handle.h"
#include "varlink/unique_fd.h"

namespace mutual::keys {

struct OwnerCache {
    UniqueFd file;  // what a FILE or DIR cache is read from, so that nobody can put another file in its place
    Krb5Cache cache;
    std::string name;  // for people

    // Whether a ticket may be added: where the room is not enough, libkrb5 writes a part of it, and whatever
    // comes behind that is lost until kinit writes the cache anew.
    bool has_room() const;
};

// `name` as libkrb5 writes it; empty: the owner's default as the Kerberos configuration says.
// invalid_request: a kind that another process cannot use, a relative path, another uid's; no_credentials: it
// is not there, or not a regular file of this owner.
Result<OwnerCache> open_owner_cache(krb5_context context, std::string name);

}  // namespace mutual::keys
