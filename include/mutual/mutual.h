/* SPDX-License-Identifier: Apache-2.0 */
/* libmutual: mutually authenticated Kerberos channels from mutuald, for programs in C and whatever can call
 * C. C++ has mutual.hpp on top of this.
 *
 * A channel is a connected stream socket: read and write it as you like. Ask for one with mutual_open(), or
 * for one that a peer opened to you with mutual_accept(); after the end of the peer's stream, ask
 * mutual_end() whether it was the real end.
 *
 * Functions that can fail return a mutual_code and, where `error` is not NULL, set *error: to NULL on
 * success, and otherwise to an error that the caller frees. An error may be NULL after a failure as well:
 * then there was no memory for it, and the functions that take an error say so when they are given NULL.
 *
 * Texts are UTF-8, end with a NUL, are never NULL, and live as long as the object they were asked of. In
 * messages and hints control characters are escaped as \xNN. Nothing here keeps a pointer that it was given.
 *
 * The library has no global state, starts no thread, touches no signal, and never ends the process. An object
 * is used by one thread at a time; different objects are independent. A thread must not be cancelled
 * (pthread_cancel) in here. All descriptors are close-on-exec. After a fork use an object in one of the two
 * processes only. */
#ifndef MUTUAL_MUTUAL_H
#define MUTUAL_MUTUAL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MUTUAL_API __attribute__((visibility("default")))

/* Numbers and meanings are stable; a later version may add codes. */
typedef enum mutual_code {
    MUTUAL_AGAIN = -1, /* of mutual_finish() only: not done yet, and no failure */
    MUTUAL_OK = 0,
    MUTUAL_INVALID_REQUEST = 1,       /* the request itself is malformed or contradicts itself */
    MUTUAL_INVALID_CONFIGURATION = 2, /* the daemon's configuration must be mended */
    MUTUAL_DENIED = 3,                /* a policy rule, or the absence of one, refused you */
    MUTUAL_UNKNOWN_SERVICE = 4,       /* no definition of that name on this host */
    MUTUAL_NOT_FOUND = 5,             /* no instance of the service, or no such channel */
    MUTUAL_DISCOVERY_FAILED = 6,      /* discovery itself did not work */
    MUTUAL_UNTRUSTED = 7,             /* instances were found, but their names are not to be trusted */
    MUTUAL_NO_CREDENTIALS = 8,        /* you have no usable ticket */
    MUTUAL_UNKNOWN_TARGET = 9,        /* the KDC knows no principal for the service's name */
    MUTUAL_KDC_UNREACHABLE = 10,      /* no KDC answered in time */
    MUTUAL_CLOCK_SKEW = 11,           /* the clocks of two hosts differ too much */
    MUTUAL_UNREACHABLE = 12,          /* no connection to the peer */
    MUTUAL_WRONG_PEER = 13,           /* the peer did not prove the name that was asked for */
    MUTUAL_UNPROTECTED = 14,          /* the finished context lacks a required protection */
    MUTUAL_REFUSED_BY_PEER = 15,      /* the peer ended the handshake */
    MUTUAL_PROTOCOL = 16,             /* somebody broke the rules of a protocol */
    MUTUAL_TIMED_OUT = 17,            /* the time was over */
    MUTUAL_CANCELLED = 18,            /* whoever asked is gone */
    MUTUAL_LIMIT = 19,                /* a bound on size, number, rate or memory was reached */
    MUTUAL_EXPIRED = 20,              /* the lifetime of a ticket is over */
    MUTUAL_UNAVAILABLE = 21,          /* mutuald, or a part of it, is not there */
    MUTUAL_PLUGIN_FAILED = 22,        /* a plugin of the daemon's failed */
    MUTUAL_INTERNAL = 23              /* a defect of mutuald or libmutual */
} mutual_code;

/* "Denied": the code as the daemon's log and mutualctl spell it. Never NULL. */
MUTUAL_API const char* mutual_code_name(mutual_code code);

/* What went wrong. */
typedef struct mutual_error mutual_error;

/* error == NULL: MUTUAL_LIMIT, out of memory. So ask only after a failure. */
MUTUAL_API mutual_code mutual_error_code(const mutual_error* error);
/* Where in the request: "policy", "credentials", "handshake"... */
MUTUAL_API const char* mutual_error_stage(const mutual_error* error);
/* What was done and what was answered, in one line. */
MUTUAL_API const char* mutual_error_message(const mutual_error* error);
/* What a person can do about it; "" if there is nothing to say. */
MUTUAL_API const char* mutual_error_hint(const mutual_error* error);
/* The request's id in the daemon's log; "" if it never got there. */
MUTUAL_API const char* mutual_error_request(const mutual_error* error);
/* All that was tried and decided, one "stage decision: message" a line, each with its newline; "" if it is
 * not known. */
MUTUAL_API const char* mutual_error_explanation(const mutual_error* error);
/* NULL is fine. */
MUTUAL_API void mutual_error_free(mutual_error* error);

/* What is asked for. Begin with MUTUAL_REQUEST_INIT and set what you need; NULL and 0 mean "not given". Only
 * service is required, or in its place rpc_program. mutual_accept() takes service, timeout_milliseconds and
 * socket, and refuses the others. */
typedef struct mutual_request {
    size_t size;                  /* of this structure: MUTUAL_REQUEST_INIT sets it */
    const char* service;          /* a name from the daemon's configuration */
    const char* const* keywords;  /* only instances with all of these; the last one is followed by NULL */
    const char* instance;         /* only the instance of that name */
    const char* host;             /* only instances on that host; an RPC service's need not be published */
    const char* credential_cache; /* NULL: $KRB5CCNAME, unless the program is set-user-id; if that is not set,
                                   * and for "": the user's default cache */
    uint32_t minimum_lifetime_seconds; /* fail unless the channel can last that long */
    uint32_t timeout_milliseconds;     /* 0: the daemon's own limit; of accept: wait for ever */
    const char* socket;                /* NULL: /run/mutuald/mutuald.sock */
    uint32_t rpc_program; /* the service that is this ONC RPC program; with service both must agree */
    uint32_t rpc_version; /* of it; 0: the highest that the configuration lists */
} mutual_request;

#define MUTUAL_REQUEST_INIT \
    { sizeof(mutual_request), NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, 0, 0 }

/* How the peer's stream ended. */
typedef enum mutual_verdict {
    MUTUAL_END_UNKNOWN = 0,         /* it could not be found out; the error tells why */
    MUTUAL_END_NOT_YET = 1,         /* it goes on */
    MUTUAL_END_AUTHENTICATED = 2,   /* the peer ended it, and proved that: nothing is missing */
    MUTUAL_END_UNAUTHENTICATED = 3, /* the connection ended without proof: the end may have been cut off */
    MUTUAL_END_RESET = 4,           /* the connection broke, or what came was altered, replayed or missing */
    MUTUAL_END_EXPIRED = 5,         /* the ticket's end time came first */
    MUTUAL_END_DENIED = 6           /* admission was refused or withdrawn */
} mutual_verdict;

/* "authenticated"; for MUTUAL_END_UNKNOWN and MUTUAL_END_NOT_YET "unknown" and "not yet". Never NULL. */
MUTUAL_API const char* mutual_verdict_name(mutual_verdict verdict);

/* What is known of a channel, and of one that was opened or accepted, its descriptor. */
typedef struct mutual_channel mutual_channel;

/* A blocking, connected AF_UNIX stream socket that the channel object owns; -1 if it was taken or there never
 * was one. */
MUTUAL_API int mutual_channel_fd(const mutual_channel* channel);
/* The same; from now on the caller's, to be closed by close(). */
MUTUAL_API int mutual_channel_take_fd(mutual_channel* channel);
/* The id by which the daemon knows the channel. */
MUTUAL_API const char* mutual_channel_id(const mutual_channel* channel);
MUTUAL_API const char* mutual_channel_service(const mutual_channel* channel);
/* The principal that the peer proved. */
MUTUAL_API const char* mutual_channel_peer(const mutual_channel* channel);
/* The principal that was proved to the peer. */
MUTUAL_API const char* mutual_channel_self(const mutual_channel* channel);
/* The service principal name that was asked for. */
MUTUAL_API const char* mutual_channel_spn(const mutual_channel* channel);
/* The peer's address in the network; "" and 0 for a channel from mutual_open(). */
MUTUAL_API const char* mutual_channel_address(const mutual_channel* channel);
MUTUAL_API uint16_t mutual_channel_port(const mutual_channel* channel);
/* When it will end at the latest, in seconds since the epoch. */
MUTUAL_API int64_t mutual_channel_expires(const mutual_channel* channel);
/* As it was when the object was made: of interest after mutual_whois(). */
MUTUAL_API mutual_verdict mutual_channel_verdict(const mutual_channel* channel);
/* Closes the descriptor, unless it was taken. NULL is fine. */
MUTUAL_API void mutual_channel_free(mutual_channel* channel);

/* Opens a channel and waits for it. MUTUAL_OK means that the peer proved its name and admitted us; *channel
 * is then the caller's to free, and NULL otherwise. */
MUTUAL_API mutual_code mutual_open(const mutual_request* request, mutual_channel** channel,
                                   mutual_error** error);

/* Waits for one channel that a peer opens to a service of this host. One call, one channel; threads and
 * processes may call it at the same time. MUTUAL_UNAVAILABLE: mutuald is not running now. If it goes away
 * while the call waits, the call goes on when it is back, until the timeout. */
MUTUAL_API mutual_code mutual_accept(const mutual_request* request, mutual_channel** channel,
                                     mutual_error** error);

/* The same two for programs with an event loop. begin never waits; *pending is the caller's to free. Then,
 * whenever mutual_pending_fd() is readable, call mutual_finish(), until it returns something other than
 * MUTUAL_AGAIN. */
typedef struct mutual_pending mutual_pending;

MUTUAL_API mutual_code mutual_open_begin(const mutual_request* request, mutual_pending** pending,
                                         mutual_error** error);
MUTUAL_API mutual_code mutual_accept_begin(const mutual_request* request, mutual_pending** pending,
                                           mutual_error** error);
/* For poll(), epoll and the like, to be asked for reading and nothing else. Remains the pending object's own.
 */
MUTUAL_API int mutual_pending_fd(const mutual_pending* pending);
/* Never waits. After MUTUAL_OK *channel is the caller's to free; it is NULL otherwise. Once it has returned
 * anything but MUTUAL_AGAIN, further calls return MUTUAL_INVALID_REQUEST. */
MUTUAL_API mutual_code mutual_finish(mutual_pending* pending, mutual_channel** channel, mutual_error** error);
/* Cancels the request if it is not finished. NULL is fine. */
MUTUAL_API void mutual_pending_free(mutual_pending* pending);

/* What the daemon knows of a channel, by its id, or by a descriptor that came from mutual_open(),
 * mutual_accept() or mutualctl, in whichever process it is by now. Possible for its opener and for
 * administrators, until 60 seconds after its end. Wait for at most 30 seconds. socket: NULL as above.
 * *channel is the caller's to free; it has no descriptor. */
MUTUAL_API mutual_code mutual_whois(const char* id, const char* socket, mutual_channel** channel,
                                    mutual_error** error);
MUTUAL_API mutual_code mutual_whois_fd(int fd, const char* socket, mutual_channel** channel,
                                       mutual_error** error);
/* The same for a server of ONC RPC, of the channel that a call came by: by the service's name, and the stamp
 * (aup_time) of the AUTH_SYS credential that the daemon gave the call. */
MUTUAL_API mutual_code mutual_whois_stamp(const char* service, uint32_t stamp, const char* socket,
                                          mutual_channel** channel, mutual_error** error);

/* How the peer's stream ended. Ask after read() returned 0 or failed, before close(): only
 * MUTUAL_END_AUTHENTICATED means that all of it was received. *error is set for MUTUAL_END_UNKNOWN and NULL
 * otherwise. */
MUTUAL_API mutual_verdict mutual_end(int fd, const char* socket, mutual_error** error);

#ifdef __cplusplus
}
#endif

#endif
