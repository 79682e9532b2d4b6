// SPDX-License-Identifier: Apache-2.0
// The contract of a registrar plugin: which SPNs an account of the KDC or directory has (REG-5..REG-8).
// Loaded by the administrator's tool only, run under the administrator's own credentials; the daemon never
// loads one (ACC-9).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mutual/error.h"

namespace mutual {

struct SpnHolder {
    std::string account;  // DN or principal of the account
    std::string spn;      // in the registered spelling
};

class Registrar {
public:
    virtual ~Registrar() = default;

    // The SPNs of one account, in the directory's order.
    virtual Result<std::vector<std::string>> list(const std::string& account) = 0;
    // Every holder of SPNs that match the pattern (`*` stands for any text), compared without regard to case.
    virtual Result<std::vector<SpnHolder>> find(const std::string& pattern) = 0;
    // Adding what is there, and deleting what is not, succeed and change nothing (REG-7).
    virtual Result<void> add(const std::string& account, const std::vector<std::string>& spns) = 0;
    virtual Result<void> remove(const std::string& account, const std::vector<std::string>& spns) = 0;
    // Gives the account new keys and appends them to the keytab file, which is created with mode 0600.
    // Returns the new key version number.
    virtual Result<std::uint32_t> create_keys(const std::string& account, const std::string& keytab) = 0;
};

}  // namespace mutual
