// SPDX-License-Identifier: Apache-2.0
// The acceptor's side of handshakes for one service: its principals and its keytab, which is read anew for
// each handshake, so that a rotated key is seen at once and an old one serves for as long as the file holds
// it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/keys/gss_handle.h"
#include "daemon/keys/handshake.h"
#include "daemon/keys/keytab.h"

namespace mutual::keys {

class AcceptingService {
public:
    // Checks the keytab file, its keys for each principal, and the principals' form.
    static Result<std::shared_ptr<const AcceptingService>> make(std::string keytab,
                                                                std::vector<std::string> principals,
                                                                Protection protection);

    const std::string& keytab() const { return keytab_; }
    const std::vector<std::string>& principals() const { return principals_; }
    const std::vector<KeyEntry>& keys() const { return keys_; }  // of the principals, when this was made
    Protection protection() const { return protection_; }
    std::vector<gss_name_t> names() const;
    bool serves(std::string_view principal) const;

private:
    std::string keytab_;
    std::vector<std::string> principals_;
    std::vector<GssName> names_;
    std::vector<KeyEntry> keys_;
    Protection protection_ = Protection::stream;
};

// Only a ticket for one of the service's principals is accepted (FT-089).
std::unique_ptr<Handshake> begin_accepting(std::shared_ptr<const AcceptingService> service);

}  // namespace mutual::keys
