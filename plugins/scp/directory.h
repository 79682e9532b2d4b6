// SPDX-License-Identifier: Apache-2.0
// One LDAP session with one directory server: always protocol 3, server-authenticated and integrity-protected
// before the first search (FT-053), without referral chasing and without a reverse look-up of the server's
// name. Every call blocks until the deadline at most, except where libldap asks DNS or libkrb5 the KDC: the
// process that this runs in is killed then.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mutual/discovery.h"
#include "plugins/scp/ldap_handles.h"
#include "plugins/scp/scp_options.h"
#include "plugins/scp/service_point.h"

namespace mutual::scp {

class Directory {
public:
    // `url` is ldap://HOST[:PORT] or ldaps://...; the ticket is for ldap/HOST.
    static Result<Directory> open(const std::string& url, const ScpOptions& options,
                                  const TicketCache& tickets, Deadline deadline);

    // Where a search of the whole directory begins, from the server's root entry.
    Result<std::string> default_base(Deadline deadline);

    // Names of matching entries in the whole subtree, page by page; at most `most`, then `cut` is true.
    struct Names {
        std::vector<std::string> names;
        bool cut = false;
    };
    Result<Names> search_names(const std::string& base, const std::string& filter, int page_size,
                               std::size_t most, Deadline deadline);

    // One entry with these attributes; none if it is gone, or hidden from us.
    Result<std::optional<Entry>> read(const std::string& dn, const std::vector<const char*>& attributes,
                                      Deadline deadline);

    const std::string& url() const { return url_; }

private:
    Directory(std::string url, LdapHandle handle) : url_(std::move(url)), handle_(std::move(handle)) {}

    struct Page {
        std::vector<std::string> names;
        std::string cookie;  // where the next page begins; empty: there is none
        bool cut = false;    // the server's own limit ended the search
    };

    Result<void> prepare(const ScpOptions& options, Deadline deadline);
    Result<void> bind(const ScpOptions& options, const TicketCache& tickets);
    Result<Page> page(const std::string& base, const std::string& filter, int size, std::string cookie,
                      Deadline deadline);
    Result<LdapMessage> search(const std::string& base, int scope, const std::string& filter,
                               const std::vector<const char*>& attributes, LDAPControl* control,
                               Deadline deadline);
    Error failure(const std::string& what, int result) const;

    std::string url_;
    LdapHandle handle_;
};

}  // namespace mutual::scp
