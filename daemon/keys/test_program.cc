// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/test_program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "daemon/keys/sealed_file.h"
#include "varlink/base64.h"
#include "varlink/interfaces.h"
#include "varlink/parameters.h"
#include "varlink/socket.h"

namespace mutual::keys {

namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

std::string text_in(const json::object& object, std::string_view field) {
    const json::value* value = object.if_contains(field);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::string token_in(const json::object& object, std::string_view field) {
    return varlink::from_base64(text_in(object, field)).value_or("not base64");
}

[[noreturn]] void die(const std::string& what) {
    std::cerr << "test program: " << what << "\n";
    std::abort();
}

}  // namespace

Stepped GrantEnd::step(std::int64_t handshake, std::string_view token) {
    varlink::Call call;
    call.method = "org.mutuald.Grant.Step";
    call.parameters["handshake"] = handshake;
    if (!token.empty()) call.parameters["token"] = varlink::to_base64(token);
    auto reply = connection_.call_raw(std::move(call));
    Stepped stepped;
    if (!reply) {
        stepped.error = reply.error();
        return stepped;
    }
    stepped.error_token = token_in(reply->parameters, "errorToken");
    if (!reply->error.empty()) {
        stepped.error = varlink::error_of(*reply);
        return stepped;
    }
    stepped.token = token_in(reply->parameters, "token");
    stepped.done = reply->parameters.at("done").as_bool();
    stepped.context = text_in(reply->parameters, "context");
    stepped.initiator = text_in(reply->parameters, "initiator");
    stepped.acceptor = text_in(reply->parameters, "acceptor");
    if (!reply->descriptors.empty()) {
        auto secret = unseal(reply->descriptors[0].value());
        if (!secret) die(to_string(secret.error()));
        stepped.exported = secret->view();
    }
    return stepped;
}

void GrantEnd::drop(std::int64_t handshake) {
    varlink::Call call;
    call.method = "org.mutuald.Grant.Drop";
    call.oneway = true;
    call.parameters["handshake"] = handshake;
    if (!connection_.call_raw(std::move(call))) die("drop a handshake");
}

bool GrantEnd::is_closed() {
    pollfd entry{connection_.socket(), POLLIN, 0};
    return ::poll(&entry, 1, 5000) == 1 && (entry.revents & POLLHUP) != 0;
}

TestProgram::TestProgram(const TestRealm& realm, std::string name, const std::vector<std::string>& wrapper)
    : folder_(realm.folder()), name_(std::move(name)) {
    auto api = varlink::listen_unix(folder_ + "/" + name_ + ".api", 0666);
    // Made here and passed as systemd would, it is there from the first moment: nobody waits for the program.
    auto keys = varlink::listen_unix(folder_ + "/" + name_ + ".keys", 0666);
    if (!api || !keys) die("listen");
    api_ = std::move(*api);
    std::vector<std::string> arguments = wrapper;
    for (const std::string& word :
         {std::string(KEYS_PROGRAM), std::string("--broker-user"), std::to_string(::geteuid()),
          std::string("--api-socket"), folder_ + "/" + name_ + ".api", std::string("--host-keytab"),
          folder_ + "/host.keytab", std::string("--runtime-directory"), folder_ + "/" + name_ + ".run"})
        arguments.push_back(word);
    std::vector<char*> pointers;
    pointers.reserve(arguments.size() + 1);
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that dies leaves nothing behind
        ::dup2(keys->value(), 3);
        if (keys->value() == 3) ::fcntl(3, F_SETFD, 0);
        ::setenv("LISTEN_FDS", "1", 1);
        ::setenv("LISTEN_FDNAMES", "keys", 1);
        ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
        ::execvp(pointers[0], pointers.data());
        ::_exit(127);
    }
}

TestProgram::~TestProgram() {
    int status = 0;
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, &status, 0);
    // A short test may end the program before it heeds signals.
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) return;
    if (status != 0) die("mutuald-keys ended with status " + std::to_string(status));  // a crash, or a leak
}

varlink::BlockingConnection TestProgram::connect() const {
    auto socket = varlink::connect_unix(folder_ + "/" + name_ + ".keys",
                                        std::chrono::steady_clock::now() + std::chrono::seconds(10));
    if (!socket) die(to_string(socket.error()));
    return varlink::BlockingConnection(std::move(*socket));
}

Result<varlink::Reply> TestProgram::call(const std::string& method, json::object parameters,
                                         std::vector<UniqueFd> descriptors) const {
    varlink::Call call;
    call.method = "org.mutuald.Keys." + method;
    call.parameters = std::move(parameters);
    call.descriptors = std::move(descriptors);
    return connect().call(std::move(call), std::chrono::steady_clock::now() + std::chrono::seconds(60));
}

UniqueFd TestProgram::caller(uid_t uid) const {
    // The kernel takes the connecting thread's effective ids.
    if (::setegid(uid) != 0 || ::seteuid(uid) != 0) die("become another user");
    auto socket = varlink::connect_unix(folder_ + "/" + name_ + ".api", varlink::no_deadline);
    if (::seteuid(0) != 0 || ::setegid(0) != 0) die("become root again");
    if (!socket) die(to_string(socket.error()));
    return UniqueFd(::accept4(api_.value(), nullptr, nullptr, SOCK_CLOEXEC));
}

UniqueFd TestProgram::listener() const { return UniqueFd(::fcntl(api_.value(), F_DUPFD_CLOEXEC, 0)); }

UniqueFd TestProgram::bound_anew() const {
    const std::string path = folder_ + "/" + name_ + ".api";
    ::unlink(path.c_str());
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::bind(socket.value(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) die("bind");
    return socket;
}

varlink::BlockingConnection TestProgram::send_grant_initiate(const GrantRequest& request) const {
    json::object who;
    who["kind"] = request.identity.kind;
    if (!request.identity.cache.empty()) who["credentialCache"] = request.identity.cache;
    if (!request.identity.keytab.empty()) who["keytab"] = request.identity.keytab;
    if (!request.identity.principal.empty()) who["principal"] = request.identity.principal;
    varlink::Call call;
    call.method = "org.mutuald.Keys.GrantInitiate";
    std::vector<UniqueFd> descriptors;
    if (request.identity.kind == "caller") {
        call.parameters["callerFileDescriptor"] = 0;
        descriptors.push_back(caller(request.identity.uid));
    }
    call.parameters["version"] = varlink::internal_version;
    call.parameters["identity"] = std::move(who);
    call.parameters["target"] = request.target;
    call.parameters["protection"] = request.protection;
    call.parameters["handshakes"] = request.handshakes;
    call.parameters["minimumLifetimeSeconds"] = request.minimum_lifetime;
    call.parameters["timeoutMilliseconds"] = request.timeout_milliseconds;
    varlink::BlockingConnection connection = connect();
    const std::string text = varlink::to_text(call) + '\0';
    std::size_t sent = 0;
    if (varlink::send_some(connection.socket(), text, descriptors, sent) != varlink::Transfer::done ||
        sent != text.size())
        die("send a call");
    return connection;
}

Granted TestProgram::receive_grant(varlink::BlockingConnection& connection) {
    auto reply = connection.next(Clock::now() + std::chrono::seconds(60));
    Granted granted;
    if (!reply) {
        granted.error = reply.error();
    } else if (!reply->error.empty()) {
        granted.error = varlink::error_of(*reply);
    } else {
        granted.principal = text_in(reply->parameters, "principal");
        granted.expires = reply->parameters.at("expires").to_number<std::int64_t>();
        granted.cached = reply->parameters.at("cached").as_bool();
        granted.grant.emplace(std::move(reply->descriptors.at(0)));
    }
    return granted;
}

Granted TestProgram::grant_initiate(const GrantRequest& request) const {
    varlink::BlockingConnection connection = send_grant_initiate(request);
    return receive_grant(connection);
}

Result<GrantEnd> TestProgram::grant_accept(const std::string& keytab,
                                           const std::vector<std::string>& principals,
                                           const std::string& protection, const std::string& service) const {
    json::object parameters;
    parameters["version"] = varlink::internal_version;
    parameters["service"] = service;
    parameters["keytab"] = keytab;
    json::array names;
    for (const std::string& principal : principals) names.emplace_back(principal);
    parameters["principals"] = std::move(names);
    parameters["protection"] = protection;
    parameters["count"] = 1;
    auto reply = call("GrantAccept", std::move(parameters));
    if (!reply) return std::move(reply).error();
    return GrantEnd(std::move(reply->descriptors.at(0)));
}

std::vector<pid_t> TestProgram::children() const {
    const std::string pid = std::to_string(pid_);
    std::ifstream file("/proc/" + pid + "/task/" + pid + "/children");
    std::vector<pid_t> pids;
    for (pid_t child = 0; file >> child;) pids.push_back(child);
    return pids;
}

Shaken shake_hands(GrantEnd& initiator, GrantEnd& acceptor) {
    Shaken shaken;
    shaken.initiator = initiator.step(1);
    if (shaken.initiator.error) return shaken;
    shaken.acceptor = acceptor.step(1, shaken.initiator.token);
    const std::string& back = shaken.acceptor.error ? shaken.acceptor.error_token : shaken.acceptor.token;
    if (!back.empty()) shaken.initiator = initiator.step(1, back);
    return shaken;
}

std::string process_status(pid_t pid, const std::string& field) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string name, value;
        words >> name;
        std::getline(words >> std::ws, value);
        if (name == field + ":") return value;
    }
    return {};
}

}  // namespace mutual::keys
