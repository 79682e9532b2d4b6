// SPDX-License-Identifier: Apache-2.0
#include "varlink/socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace mutual::varlink {

namespace {

constexpr std::size_t kernel_descriptor_limit = 253;  // SCM_MAX_FD

Error system_error(Code code, std::string what) {
    return {code, Stage::request, std::move(what) + ": " + std::strerror(errno)};
}

// Of a failed connect: whether nobody listens, or what we ourselves lack.
Code code_of_connect(int error) {
    if (error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS) return Code::limit;
    if (error == EACCES || error == EPERM) return Code::denied;
    return Code::unavailable;
}

Result<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path)
        return Error(Code::invalid_request, Stage::request,
                     "socket path '" + path + "' is empty or too long");
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

UniqueFd unix_socket() { return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

std::vector<gid_t> supplementary_groups(int socket) {
    std::vector<gid_t> groups(64);
    socklen_t size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) {
        if (errno != ERANGE) return {};
        groups.resize(size / sizeof(gid_t));
        if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) return {};
    }
    groups.resize(size / sizeof(gid_t));
    return groups;
}

// Adds every descriptor of the control data; false: there were more than fit.
bool collect_descriptors(msghdr& header, std::vector<UniqueFd>& descriptors, std::size_t most) {
    bool fits = (header.msg_flags & MSG_CTRUNC) == 0;
    for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr;
         control = CMSG_NXTHDR(&header, control)) {
        if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int descriptor = -1;
            std::memcpy(&descriptor, CMSG_DATA(control) + i * sizeof(int), sizeof descriptor);
            UniqueFd owned(descriptor);
            if (descriptors.size() < most)
                descriptors.push_back(std::move(owned));
            else
                fits = false;
        }
    }
    return fits;
}

}  // namespace

Result<PeerCredentials> peer_credentials(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return system_error(Code::internal, "read the peer's credentials");
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    const auto seen_at = std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
    return PeerCredentials{credentials.pid, credentials.uid, credentials.gid, supplementary_groups(socket),
                           seen_at};
}

Result<std::pair<UniqueFd, UniqueFd>> socket_pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return system_error(Code::limit, "make a socket pair");
    return std::pair<UniqueFd, UniqueFd>(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

Result<UniqueFd> listen_unix(const std::string& path, mode_t mode, int backlog) {
    Result<sockaddr_un> address = address_of(path);
    if (!address) return address.error();
    UniqueFd socket = unix_socket();
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) ::unlink(path.c_str());
    if (!socket || ::bind(socket.value(), reinterpret_cast<sockaddr*>(&*address), sizeof(sockaddr_un)) != 0 ||
        ::chmod(path.c_str(), mode) != 0 || ::listen(socket.value(), backlog) != 0)
        return system_error(Code::unavailable, "listen on " + path);
    return socket;
}

Result<UniqueFd> connect_unix(const std::string& path, Deadline deadline) {
    Result<sockaddr_un> address = address_of(path);
    if (!address) return address.error();
    UniqueFd socket = unix_socket();
    while (socket) {
        if (::connect(socket.value(), reinterpret_cast<sockaddr*>(&*address), sizeof(sockaddr_un)) == 0)
            return socket;
        if (errno == EINTR) continue;
        if (errno != EAGAIN) break;
        // The listener is there, but slow: its queue is full.
        if (std::chrono::steady_clock::now() >= deadline)
            return system_error(Code::limit, "connect to " + path);
        ::poll(nullptr, 0, 1);
    }
    return system_error(code_of_connect(errno), "connect to " + path);
}

std::uint64_t socket_cookie(int socket) {
    std::uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    if (::getsockopt(socket, SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0) return 0;
    return cookie;
}

Transfer send_some(int socket, std::string_view bytes, const std::vector<UniqueFd>& descriptors,
                   std::size_t& sent) {
    iovec data{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr header{};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(kernel_descriptor_limit * sizeof(int))> control;
    if (!descriptors.empty()) {
        if (descriptors.size() > kernel_descriptor_limit) {
            errno = EMSGSIZE;
            return Transfer::failed;
        }
        const std::size_t length = descriptors.size() * sizeof(int);
        header.msg_control = control.data();
        header.msg_controllen = CMSG_SPACE(length);
        cmsghdr* first = CMSG_FIRSTHDR(&header);
        first->cmsg_level = SOL_SOCKET;
        first->cmsg_type = SCM_RIGHTS;
        first->cmsg_len = CMSG_LEN(length);
        for (std::size_t i = 0; i < descriptors.size(); ++i) {
            const int descriptor = descriptors[i].value();
            std::memcpy(CMSG_DATA(first) + i * sizeof(int), &descriptor, sizeof descriptor);
        }
    }
    ssize_t written = 0;
    do written = ::sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (written < 0 && errno == EINTR);
    if (written >= 0) {
        sent = static_cast<std::size_t>(written);
        return Transfer::done;
    }
    if (errno == EAGAIN) return Transfer::again;
    return errno == EPIPE || errno == ECONNRESET ? Transfer::closed : Transfer::failed;
}

Transfer receive_some(int socket, std::string& bytes, std::vector<UniqueFd>& descriptors, std::size_t most) {
    std::array<char, 16384> buffer;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(kernel_descriptor_limit * sizeof(int))> control;
    iovec data{buffer.data(), buffer.size()};
    msghdr header{};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    // Where none are allowed they never become ours: to close one may wait for whoever made its file system.
    if (most > 0) {
        header.msg_control = control.data();
        header.msg_controllen = control.size();
    }
    ssize_t received = 0;
    {
        const LingerBound::Watch watch;
        do received = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        while (received < 0 && errno == EINTR);
    }
    if (received < 0) {
        if (errno == EAGAIN) return Transfer::again;
        return errno == ECONNRESET ? Transfer::closed : Transfer::failed;
    }
    if (!collect_descriptors(header, descriptors, most)) {
        errno = EMSGSIZE;
        return Transfer::failed;
    }
    if (received == 0) return Transfer::closed;
    bytes.append(buffer.data(), static_cast<std::size_t>(received));
    return Transfer::done;
}

}  // namespace mutual::varlink
