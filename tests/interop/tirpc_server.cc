// SPDX-License-Identifier: Apache-2.0
// Serves the program of echo_program.h by libtirpc, without rpcbind; says so on standard output once it
// listens. With `gss` the key of PRINCIPAL is in the keytab KRB5_KTNAME; port 0 is one that is free.
//   tirpc_server PROGRAM VERSION gss PRINCIPAL ADDRESS PORT
//   tirpc_server PROGRAM VERSION plain PATH
#include <arpa/inet.h>
#include <gssapi/gssapi_krb5.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <rpc/rpc.h>
#include <rpc/svc_auth_gss.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <iostream>
#include <stdexcept>
#include <string>

#include "tests/interop/echo_program.h"

namespace {

using namespace mutual::interop;
using Dispatch = void (*)(svc_req*, SVCXPRT*);

void require(bool good, const std::string& what) {
    if (!good) throw std::runtime_error(what + ": " + std::strerror(errno));
}

void be_named(std::string principal) {
    gss_buffer_desc buffer{principal.size(), principal.data()};
    gss_name_t name = GSS_C_NO_NAME;
    OM_uint32 minor = 0;
    if (::gss_import_name(&minor, &buffer, GSS_KRB5_NT_PRINCIPAL_NAME, &name) != GSS_S_COMPLETE ||
        !::svcauth_gss_set_svc_name(name))
        throw std::runtime_error("no key for " + principal);
}

int listen_tcp(const char* address, const char* port) {
    sockaddr_in wanted{};
    wanted.sin_family = AF_INET;
    wanted.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
    if (::inet_pton(AF_INET, address, &wanted.sin_addr) != 1) throw std::runtime_error("no IPv4 address");
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);  // those accepted inherit it
    require(::bind(fd, reinterpret_cast<const sockaddr*>(&wanted), sizeof wanted) == 0, "bind");
    require(::listen(fd, SOMAXCONN) == 0, "listen");
    socklen_t size = sizeof wanted;
    require(::getsockname(fd, reinterpret_cast<sockaddr*>(&wanted), &size) == 0, "getsockname");
    std::cout << "listening on port " << ntohs(wanted.sin_port) << std::endl;
    return fd;
}

int listen_unix(const char* path) {
    sockaddr_un wanted{};
    wanted.sun_family = AF_UNIX;
    std::strncpy(wanted.sun_path, path, sizeof wanted.sun_path - 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(::bind(fd, reinterpret_cast<const sockaddr*>(&wanted), sizeof wanted) == 0, "bind");
    require(::chmod(path, 0666) == 0, "chmod");
    require(::listen(fd, SOMAXCONN) == 0, "listen");
    std::cout << "listening on " << path << std::endl;
    return fd;
}

struct Program {
    rpcprog_t number;
    rpcvers_t version;
    Dispatch dispatch;
};

[[noreturn]] void serve_connection(int fd, const Program& program) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    SVCXPRT* transport = ::svc_fd_create(fd, buffer_size, buffer_size);
    if (transport == nullptr ||
        !::svc_reg(transport, program.number, program.version, program.dispatch, nullptr))
        ::_exit(1);
    pollfd readable{fd, POLLIN, 0};
    while (FD_ISSET(fd, &svc_fdset))
        if (::poll(&readable, 1, -1) > 0) ::svc_getreq_common(fd);
    ::_exit(0);
}

// A process for each connection: libtirpc lets one that stalls hold up all others, and frees no context of
// one that just ends.
[[noreturn]] void serve(int listener, const Program& program) {
    for (;;) {
        const int fd = ::accept(listener, nullptr, nullptr);
        if (fd < 0) continue;
        if (::fork() == 0) serve_connection(fd, program);
        ::close(fd);
    }
}

}  // namespace

int main(int count, char** words) {
    ::signal(SIGCHLD, SIG_IGN);
    ::signal(SIGPIPE, SIG_IGN);
    try {
        const std::string kind = count > 3 ? words[3] : "";
        if (kind == "plain" && count == 5)
            serve(listen_unix(words[4]), {read_number(words[1]), read_number(words[2]), serve_plainly});
        if (kind == "gss" && count == 7) {
            be_named(words[4]);
            serve(listen_tcp(words[5], words[6]),
                  {read_number(words[1]), read_number(words[2]), serve_under_gss});
        }
        std::cerr << "usage: tirpc_server PROGRAM VERSION gss PRINCIPAL ADDRESS PORT | plain PATH\n";
        return 2;
    } catch (const std::exception& failure) {
        std::cerr << "tirpc_server: " << failure.what() << '\n';
        return 1;
    }
}
