// SPDX-License-Identifier: Apache-2.0
#include "client/fake_broker.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <stdexcept>

namespace mutual::client {

namespace {

template <class T>
T must(Result<T> result) {
    if (!result) throw std::runtime_error(to_string(result.error()));
    return std::move(*result);
}

std::string new_folder() {
    std::string name = "/tmp/mutual-fake-broker-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    return name;
}

}  // namespace

FakeBroker::FakeBroker(std::map<std::string, Method> methods)
    : methods_(std::move(methods)),
      folder_(new_folder()),
      path_(folder_ + "/broker.sock"),
      listener_(must(varlink::listen_unix(path_, 0600))),
      stop_(must(varlink::socket_pair())),
      thread_([this] { serve(); }) {}

FakeBroker::~FakeBroker() {
    ::shutdown(stop_.first.value(), SHUT_RDWR);
    thread_.join();
    ::unlink(path_.c_str());
    ::rmdir(folder_.c_str());
}

std::vector<std::string> FakeBroker::calls() {
    const std::lock_guard guard(mutex_);
    return calls_;
}

// One connection at a time: that is how mutualctl connects.
void FakeBroker::serve() {
    for (;;) {
        std::array<pollfd, 2> entries{pollfd{listener_.value(), POLLIN, 0},
                                      pollfd{stop_.second.value(), POLLIN, 0}};
        ::poll(entries.data(), entries.size(), -1);
        if (entries[1].revents != 0) return;
        UniqueFd connection(::accept4(listener_.value(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (connection) serve_one(std::move(connection));
    }
}

void FakeBroker::serve_one(UniqueFd connection) {
    varlink::BlockingConnection server(std::move(connection));
    for (;;) {
        auto call = server.receive();
        if (!call || !*call) return;
        varlink::Reply reply = answer(**call);
        if (reply.error == "hang up") return;
        if (!server.reply(std::move(reply))) return;
    }
}

varlink::Reply FakeBroker::answer(varlink::Call& call) {
    {
        const std::lock_guard guard(mutex_);
        calls_.push_back(call.method + " " + boost::json::serialize(call.parameters));
    }
    const std::string prefix = "org.mutuald.Broker.";
    const auto found =
        methods_.find(call.method.starts_with(prefix) ? call.method.substr(prefix.size()) : call.method);
    if (found != methods_.end()) return found->second(call);
    varlink::Reply reply = reply_of(R"({"method": "?"})");
    reply.error = "org.varlink.service.MethodNotFound";
    return reply;
}

varlink::Reply reply_of(const std::string& json) {
    varlink::Reply reply;
    reply.parameters = boost::json::parse(json).as_object();
    return reply;
}

}  // namespace mutual::client
