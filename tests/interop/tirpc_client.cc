// SPDX-License-Identifier: Apache-2.0
// Calls a program of echo_program.h by libtirpc. Shows one JSON object per result; a call that failed has
// `error` in it, and the end status is then 1.
//   tirpc_client WHERE PROGRAM VERSION SECURITY VERB [VALUE...]
//     WHERE     ADDRESS:PORT, or the number of a connected descriptor
//     SECURITY  see tirpc_auth.h
//     VERB      null | who | echo SIZE... | rate CALLS SIZE | change SERVICE (the number that RPCSEC_GSS has
//     for it)
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <chrono>
#include <cstring>
#include <iomanip>
#include <iostream>
#include <memory>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>

#include "tests/interop/echo_program.h"
#include "tests/interop/tirpc_auth.h"

namespace {

using namespace mutual::interop;

constexpr timeval call_timeout{25, 0};

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error(what + ": " + std::strerror(errno));
}

int connect_to(const std::string& address, const std::string& port) {
    addrinfo wanted{}, *found = nullptr;
    wanted.ai_family = AF_INET;
    wanted.ai_socktype = SOCK_STREAM;
    if (const int why = ::getaddrinfo(address.c_str(), port.c_str(), &wanted, &found); why != 0)
        throw std::runtime_error(address + ": " + ::gai_strerror(why));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> kept(found, ::freeaddrinfo);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (::connect(fd, found->ai_addr, found->ai_addrlen) != 0) fail("connect to " + address + ":" + port);
    return fd;
}

int connected(const std::string& where) {
    const auto colon = where.rfind(':');
    if (colon == std::string::npos) return std::stoi(where);
    return connect_to(where.substr(0, colon), where.substr(colon + 1));
}

CLIENT* make_client(int fd, rpcprog_t program, rpcvers_t version) {
    sockaddr_storage peer{};
    netbuf address{sizeof peer, sizeof peer, &peer};  // not used, as the socket is connected; but wanted
    CLIENT* made = ::clnt_vc_create(fd, &address, program, version, buffer_size, buffer_size);
    if (made == nullptr) throw std::runtime_error(::clnt_spcreateerror("make a client"));
    bool_t yes = TRUE;
    clnt_control(made, CLSET_FD_CLOSE, reinterpret_cast<char*>(&yes));
    return made;
}

// One call's end: nothing, or why there was no result.
using Failure = std::string;

class Caller {
public:
    Caller(const std::string& where, rpcprog_t program, rpcvers_t version, const Security& security)
        : client_(make_client(connected(where), program, version)) {
        client_->cl_auth = make_auth(client_, security);
    }
    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;
    ~Caller() {
        auth_destroy(client_->cl_auth);
        clnt_destroy(client_);
    }

    Failure null() { return call(null_procedure, void_codec, nullptr, void_codec, nullptr); }

    Failure who(std::string& told) {
        Data result;
        const Failure failure = call(who_procedure, void_codec, nullptr, data_codec, &result);
        if (failure.empty()) told.assign(result.octets, result.size);
        ::xdr_free(data_codec, &result);
        return failure;
    }

    Failure echo(std::string data) {
        Data argument{data.data(), static_cast<u_int>(data.size())}, result;
        Failure failure = call(echo_procedure, data_codec, &argument, data_codec, &result);
        if (failure.empty() && std::string_view(result.octets, result.size) != data)
            failure = "other octets came back";
        ::xdr_free(data_codec, &result);
        return failure;
    }

    void change(rpc_gss_svc_t service) {
        if (!::authgss_service(client_->cl_auth, service)) throw std::runtime_error("no context to change");
    }

private:
    Failure call(rpcproc_t procedure, xdrproc_t put, void* argument, xdrproc_t get, void* result) {
        const auto status = clnt_call(client_, procedure, put, static_cast<char*>(argument), get,
                                      static_cast<char*>(result), call_timeout);
        return status == RPC_SUCCESS ? Failure() : ::clnt_sperror(client_, "call");
    }

    CLIENT* client_;
};

std::string some_data(std::size_t size) {
    std::string data(size, '\0');
    for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<char>(i * 31 + i / 256 + size);
    return data;
}

// Shows it; true if it was none.
bool show(const std::string& members, const Failure& failure) {
    std::cout << "{" << members;
    if (!failure.empty()) std::cout << ", \"error\": " << std::quoted(failure);
    std::cout << "}" << std::endl;
    return failure.empty();
}

bool show_who(Caller& caller) {
    std::string told = "null";
    const Failure failure = caller.who(told);
    return show("\"who\": " + told, failure);
}

bool show_echo(Caller& caller, const std::string& size) {
    return show("\"echo\": " + size, caller.echo(some_data(std::stoul(size))));
}

bool show_rate(Caller& caller, const std::string& calls, const std::string& size) {
    const std::string data = some_data(std::stoul(size));
    const unsigned long count = std::stoul(calls);
    Failure failure = caller.echo(data);
    const auto begun = std::chrono::steady_clock::now();
    for (unsigned long i = 0; i < count && failure.empty(); ++i) failure = caller.echo(data);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    return show("\"calls\": " + calls + ", \"size\": " + size +
                    ", \"per_second\": " + std::to_string(static_cast<double>(count) / took.count()),
                failure);
}

// An echo, and another under a service that is not the context's first.
bool show_change(Caller& caller, const std::string& service) {
    const bool before = show_echo(caller, "16");
    caller.change(static_cast<rpc_gss_svc_t>(std::stoi(service)));
    return show_echo(caller, "16") && before;
}

bool run(Caller& caller, const std::string& verb, std::span<char*> values) {
    if (verb == "null") return show("\"null\": true", caller.null());
    if (verb == "who") return show_who(caller);
    if (verb == "rate" && values.size() == 2) return show_rate(caller, values[0], values[1]);
    if (verb == "change" && values.size() == 1) return show_change(caller, values[0]);
    if (verb != "echo") throw std::runtime_error("no such verb, or not so many values: " + verb);
    bool all = true;
    for (const char* size : values) all = show_echo(caller, size) && all;
    return all;
}

}  // namespace

int main(int count, char** words) {
    if (count < 6) {
        std::cerr << "usage: tirpc_client WHERE PROGRAM VERSION SECURITY VERB [VALUE...]\n";
        return 2;
    }
    try {
        Caller caller(words[1], read_number(words[2]), read_number(words[3]), read_security(words[4]));
        return run(caller, words[5], {words + 6, static_cast<std::size_t>(count - 6)}) ? 0 : 1;
    } catch (const std::exception& failure) {
        std::cerr << "tirpc_client: " << failure.what() << '\n';
        return 1;
    }
}
