// SPDX-License-Identifier: Apache-2.0
// For tests: a running mutuald-keys, the broker's calls to it, and the steps that mutuald-channel would make.
#pragma once

#include <gssapi/gssapi.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "daemon/keys/test_realm.h"
#include "mutual/error.h"
#include "varlink/client.h"

namespace mutual::keys {

// The reply of a Step.
struct Stepped {
    std::string token;
    std::string error_token;
    bool done = false;
    std::string context;
    std::string exported;
    std::string initiator, acceptor;
    std::optional<Error> error;
};

// One end of a grant.
class GrantEnd {
public:
    explicit GrantEnd(UniqueFd socket) : connection_(std::move(socket)) {}
    Stepped step(std::int64_t handshake, std::string_view token = {});
    void drop(std::int64_t handshake);
    // True once mutuald-keys has closed its end.
    bool is_closed();
    // The socket, for calls made by hand.
    UniqueFd release() { return connection_.release(); }

private:
    varlink::BlockingConnection connection_;
};

struct Granted {
    std::optional<GrantEnd> grant;
    std::string principal;
    std::int64_t expires = 0;
    bool cached = false;
    std::optional<Error> error;
};

struct TestIdentity {
    std::string kind = "caller";
    std::string cache;      // caller
    std::string keytab;     // keytab
    std::string principal;  // keytab
    uid_t uid = 0;          // caller: who connects to the API socket
};

struct GrantRequest {
    std::string target;
    TestIdentity identity;
    int timeout_milliseconds = 10000;
    std::string handshakes = "one";
    int minimum_lifetime = 0;
    std::string protection = "stream";
};

class TestProgram {
public:
    // Starts the program with its sockets in the realm's folder. `wrapper` comes before its name on the
    // command line.
    TestProgram(const TestRealm& realm, std::string name, const std::vector<std::string>& wrapper = {});
    ~TestProgram();
    TestProgram(const TestProgram&) = delete;
    TestProgram& operator=(const TestProgram&) = delete;

    pid_t pid() const { return pid_; }
    varlink::BlockingConnection connect() const;
    Result<varlink::Reply> call(const std::string& method, boost::json::object parameters,
                                std::vector<UniqueFd> descriptors = {}) const;

    Granted grant_initiate(const GrantRequest& request) const;
    // The same in two halves.
    varlink::BlockingConnection send_grant_initiate(const GrantRequest& request) const;
    static Granted receive_grant(varlink::BlockingConnection& connection);
    Result<GrantEnd> grant_accept(const std::string& keytab, const std::vector<std::string>& principals,
                                  const std::string& protection = "stream",
                                  const std::string& service = "ledger") const;
    // The daemon's side of a connection that this uid made to the API socket.
    UniqueFd caller(uid_t uid) const;
    // What is no connection to the API socket, though it has its name: the listening socket, and one made
    // anew in its place.
    UniqueFd listener() const;
    UniqueFd bound_anew() const;
    // The pids of its children.
    std::vector<pid_t> children() const;

private:
    std::string folder_, name_;
    UniqueFd api_;
    pid_t pid_ = -1;
};

// Both ends until both are done or one fails; the first failure is in either.
struct Shaken {
    Stepped initiator, acceptor;
};
Shaken shake_hands(GrantEnd& initiator, GrantEnd& acceptor);

// A value of /proc/PID/status.
std::string process_status(pid_t pid, const std::string& field);

}  // namespace mutual::keys
