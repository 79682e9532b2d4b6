// SPDX-License-Identifier: Apache-2.0
// For tests: a throw-away MIT realm on loopback, in a folder of its own. Ends with the object.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace mutual::keys {

class TestRealm {
public:
    static constexpr const char* realm = "KEYS.TEST";

    // Aborts the test program with what failed. `maximum_life`: of a ticket, as kdc.conf writes it.
    explicit TestRealm(const std::string& maximum_life = "10h");
    ~TestRealm();
    TestRealm(const TestRealm&) = delete;
    TestRealm& operator=(const TestRealm&) = delete;

    const std::string& folder() const { return folder_; }
    std::string path(const std::string& name) const { return folder_ + "/" + name; }

    void add_user(const std::string& name);  // its password is "secret"
    void add_service(const std::string& principal);
    // Makes a new key, and adds it to the keytab (mode 0600).
    std::string export_key(const std::string& principal, const std::string& keytab);
    // A FILE cache with a ticket of that user, owned by that uid. `life` as kinit writes it.
    std::string make_cache(const std::string& user, const std::string& name, uid_t owner,
                           const std::string& life = "8h");
    // From now on no KDC answers, though connections and datagrams reach something.
    void make_kdc_a_black_hole();
    void stop_kdc();

private:
    void write_configuration(const std::string& maximum_life);
    void start_kdc();

    std::string folder_;
    std::uint16_t port_ = 0;
    pid_t kdc_ = -1;
    int datagrams_ = -1, stream_ = -1;  // the black hole
};

// Runs a program to its end; aborts with its output unless it succeeds.
std::string run_program(const std::vector<std::string>& arguments, const std::string& input = {});

}  // namespace mutual::keys
