// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/test_realm.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace mutual::keys {

namespace {

[[noreturn]] void die(const std::string& what, const std::string& output = {}) {
    std::cerr << "test realm: " << what << "\n" << output << "\n";
    std::abort();
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int bound_socket(int type, std::uint16_t port) {
    const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in address = loopback(port);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        die("bind a loopback port");
    return fd;
}

std::uint16_t free_port() {
    const int fd = bound_socket(SOCK_STREAM, 0);
    sockaddr_in address{};
    socklen_t length = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
    ::close(fd);
    return ntohs(address.sin_port);
}

// Forks with pipes to the child's input and output (with its errors).
struct Child {
    pid_t pid;
    int input;
    int output;
};
Child spawn(const std::vector<std::string>& arguments) {
    std::array<int, 2> in{}, out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) die("pipe");
    std::vector<char*> pointers;
    for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
    pointers.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::dup2(in[0], 0);
        ::dup2(out[1], 1);
        ::dup2(out[1], 2);
        ::execvp(pointers[0], pointers.data());
        ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    return {pid, in[1], out[0]};
}

}  // namespace

std::string run_program(const std::vector<std::string>& arguments, const std::string& input) {
    const Child child = spawn(arguments);
    if (::write(child.input, input.data(), input.size()) != static_cast<ssize_t>(input.size()))
        die("write a pipe");
    ::close(child.input);
    std::string output;
    std::array<char, 4096> part{};
    for (ssize_t got = 0; (got = ::read(child.output, part.data(), part.size())) > 0;)
        output.append(part.data(), static_cast<std::size_t>(got));
    ::close(child.output);
    int status = 0;
    ::waitpid(child.pid, &status, 0);
    if (status != 0) {
        std::string line;
        for (const std::string& argument : arguments) line += argument + " ";
        die(line + "failed with status " + std::to_string(status), output);
    }
    return output;
}

TestRealm::TestRealm(const std::string& maximum_life) : port_(free_port()) {
    std::string pattern = "/tmp/mutual-keys-test-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) die("make a folder");
    folder_ = pattern;
    ::chmod(folder_.c_str(), 0755);
    write_configuration(maximum_life);
    ::setenv("KRB5_CONFIG", path("krb5.conf").c_str(), 1);
    ::setenv("KRB5_KDC_PROFILE", path("kdc.conf").c_str(), 1);
    run_program({"/usr/sbin/kdb5_util", "create", "-s", "-r", realm, "-P", "master"});
    start_kdc();
}

TestRealm::~TestRealm() {
    stop_kdc();
    if (datagrams_ >= 0) ::close(datagrams_);
    if (stream_ >= 0) ::close(stream_);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void TestRealm::write_configuration(const std::string& maximum_life) {
    const std::string name = realm;
    std::ofstream(path("krb5.conf"))
        << "[libdefaults]\n default_realm = " << name
        << "\n dns_lookup_kdc = false\n dns_lookup_realm = false\n rdns = false\n"
           " dns_canonicalize_hostname = false\n default_ccache_name = FILE:"
        << folder_ << "/krb5cc_%{uid}\n[realms]\n " << name << " = {\n  kdc = 127.0.0.1:" << port_
        << "\n }\n";
    std::ofstream(path("kdc.conf"))
        << "[kdcdefaults]\n kdc_listen = 127.0.0.1:" << port_ << "\n kdc_tcp_listen = 127.0.0.1:" << port_
        << "\n[realms]\n " << name << " = {\n  database_name = " << folder_
        << "/principal\n  key_stash_file = " << folder_ << "/stash\n  acl_file = " << folder_
        << "/acl\n  max_life = "
        << maximum_life
        // A PAC cannot hold a name that is not UTF-8; KDCs without one can.
        << "\n  disable_pac = true\n  supported_enctypes = aes256-cts-hmac-sha1-96:normal\n }\n"
           "[logging]\n kdc = FILE:"
        << folder_ << "/kdc.log\n";
}

// The KDC says when it serves.
void TestRealm::start_kdc() {
    const Child child = spawn({"/usr/sbin/krb5kdc", "-n", "-r", realm});
    ::close(child.input);
    kdc_ = child.pid;
    std::string output;
    std::array<char, 256> part{};
    while (output.find("starting...") == std::string::npos) {
        const ssize_t got = ::read(child.output, part.data(), part.size());
        if (got <= 0) die("the KDC ended", output);
        output.append(part.data(), static_cast<std::size_t>(got));
    }
    ::close(child.output);
}

void TestRealm::stop_kdc() {
    if (kdc_ < 0) return;
    ::kill(kdc_, SIGTERM);
    ::waitpid(kdc_, nullptr, 0);
    kdc_ = -1;
}

void TestRealm::make_kdc_a_black_hole() {
    stop_kdc();
    datagrams_ = bound_socket(SOCK_DGRAM, port_);
    stream_ = bound_socket(SOCK_STREAM, port_);
    ::listen(stream_, 64);  // connections succeed, and nobody reads them
}

void TestRealm::add_user(const std::string& name) {
    run_program({"/usr/sbin/kadmin.local", "-r", realm, "addprinc", "-pw", "secret", name});
}

void TestRealm::add_service(const std::string& principal) {
    run_program({"/usr/sbin/kadmin.local", "-r", realm, "addprinc", "-randkey", principal});
}

std::string TestRealm::export_key(const std::string& principal, const std::string& keytab) {
    const std::string file = path(keytab);
    run_program({"/usr/sbin/kadmin.local", "-r", realm, "ktadd", "-k", file, principal});
    return file;
}

std::string TestRealm::make_cache(const std::string& user, const std::string& name, uid_t owner,
                                  const std::string& life) {
    const std::string file = path(name);
    run_program({"/usr/bin/kinit", "-f", "-l", life, "-c", "FILE:" + file, user}, "secret\n");
    if (::chown(file.c_str(), owner, owner) != 0) die("chown " + file);
    return file;
}

}  // namespace mutual::keys
