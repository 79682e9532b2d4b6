// SPDX-License-Identifier: Apache-2.0
// A broker for tests: serves a socket file in a folder of its own from a thread, with the replies that a test
// sets.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "varlink/client.h"

namespace mutual::client {

class FakeBroker {
public:
    // Called on the broker's thread.
    using Method = std::function<varlink::Reply(varlink::Call&)>;

    // Methods by their names in org.mutuald.Broker; any other is answered with MethodNotFound.
    explicit FakeBroker(std::map<std::string, Method> methods);
    ~FakeBroker();
    FakeBroker(const FakeBroker&) = delete;
    FakeBroker& operator=(const FakeBroker&) = delete;

    const std::string& socket() const { return path_; }
    // What was called so far: the method and its parameters as text.
    std::vector<std::string> calls();

private:
    void serve();
    void serve_one(UniqueFd connection);
    varlink::Reply answer(varlink::Call& call);

    std::map<std::string, Method> methods_;
    std::string folder_;
    std::string path_;
    UniqueFd listener_;
    std::pair<UniqueFd, UniqueFd> stop_;
    std::mutex mutex_;
    std::vector<std::string> calls_;
    std::thread thread_;
};

// A reply without error whose parameters are that JSON text.
varlink::Reply reply_of(const std::string& json);

}  // namespace mutual::client
