// SPDX-License-Identifier: Apache-2.0
// The acceptor's side of handshakes for one service: its principals and its keytab, which libkrb5 reads anew
// for each handshake, so that a rotated key is seen at once and an old one serves for as long as the file
// holds it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/keys/gss_handle.h"
#include "daemon/keys/handshake.h"
#include "daemon/keys/keytab.h"

namespace mutual::keys {

// What reads one principal's key out of one keytab file.
struct AcceptingKey {
    KeytabFile keytab;
    GssCred cred;  // reads `keytab`
};

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
    bool serves(std::string_view principal) const;
    // For one of the principals, out of the keytab as it is now.
    Result<std::shared_ptr<const AcceptingKey>> key_of(const std::string& principal) const;

private:
    std::string keytab_;
    std::vector<std::string> principals_;
    std::vector<KeyEntry> keys_;
    // By principal: used again while the file is unchanged.
    mutable std::map<std::string, std::shared_ptr<const AcceptingKey>> in_use_;
    Protection protection_ = Protection::stream;
};

// Only a ticket for one of the service's principals is accepted (FT-089).
std::unique_ptr<Handshake> begin_accepting(std::shared_ptr<const AcceptingService> service);

}  // namespace mutual::keys
