/* SPDX-License-Identifier: Apache-2.0 */
/* payroll_serve PATH: the payroll, on a Unix socket to which mutuald connects for each channel, with
 * `deliver = "unix"`, `socket = PATH` and `header = "none"` in the service's definition. Each call brings an
 * AUTH_SYS credential that mutuald made: its machine name is the principal that the peer proved, its stamp
 * the number by which WhoIs knows the channel. */
#define _GNU_SOURCE /* struct ucred */
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "payroll.h"

static const char* peer_of(const struct svc_req* call) {
    return ((const struct authunix_parms*)call->rq_clntcred)->aup_machname;
}

/* Of no more than it says: what a peer may ask for is for a program to decide. */
bool_t salary_1_svc(person name, int* result, struct svc_req* call) {
    (void)call;
    *result = strcmp(name, "alice") == 0 ? 4200 : strcmp(name, "bob") == 0 ? 3900 : 0;
    return TRUE;
}

bool_t who_am_i_1_svc(person* result, struct svc_req* call) {
    *result = strdup(peer_of(call));
    return *result != NULL;
}

int payroll_1_freeresult(SVCXPRT* transport, xdrproc_t codec, caddr_t result) {
    (void)transport;
    xdr_free(codec, result);
    return 1;
}

void payroll_1(struct svc_req* call, SVCXPRT* transport); /* rpcgen makes it, but does not declare it */

/* mutuald makes no other kind of call. */
static void dispatch(struct svc_req* call, SVCXPRT* transport) {
    if (call->rq_cred.oa_flavor == AUTH_SYS)
        payroll_1(call, transport);
    else
        svcerr_weakauth(transport);
}

/* Anybody can write a credential. The kernel tells who connected. */
static int connected_by_mutuald(int connection) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    const struct passwd* daemon = getpwnam("mutuald");
    if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return 0;
    return peer.uid == 0 || (daemon != NULL && peer.uid == daemon->pw_uid);
}

static void serve(int connection) {
    SVCXPRT* transport = svc_fd_create(connection, 65536, 65536);
    if (transport == NULL || !svc_reg(transport, PAYROLL, PAYROLL_1, dispatch, NULL)) exit(1);
    struct pollfd readable = {.fd = connection, .events = POLLIN};
    while (FD_ISSET(connection, &svc_fdset)) /* until libtirpc has closed it */
        if (poll(&readable, 1, -1) > 0) svc_getreq_common(connection);
    exit(0);
}

static int listen_on(const char* path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    unlink(path); /* of an earlier run */
    if (bind(listener, (const struct sockaddr*)&address, sizeof address) != 0 || listen(listener, 128) != 0)
        return -1;
    /* The folder's mode may keep others out; who connects is checked anyway. */
    return chmod(path, 0666) == 0 ? listener : -1;
}

int main(int count, char** words) {
    if (count != 2) {
        fprintf(stderr, "usage: payroll_serve PATH\n");
        return 2;
    }
    const int listener = listen_on(words[1]);
    if (listener < 0) {
        perror("payroll_serve: listen");
        return 1;
    }
    signal(SIGCHLD, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    for (;;) { /* a process for each channel: a peer that stalls is nobody else's trouble */
        const int connection = accept(listener, NULL, NULL);
        if (connection < 0) continue;
        if (!connected_by_mutuald(connection))
            fprintf(stderr, "payroll_serve: somebody else connected\n");
        else if (fork() == 0)
            serve(connection);
        close(connection);
    }
}
