/* SPDX-License-Identifier: Apache-2.0 */
/* serve_c SERVICE: answers the question of each peer that opens a channel to the service, one after the
 * other. For many at a time, start it several times, or accept in several threads: each call gets a channel
 * of its own.
 *
 *     cc -o serve_c serve.c $(pkg-config --cflags --libs mutual) */
#include <mutual/mutual.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(mutual_error* error) {
    fprintf(stderr, "serve: %s at %s: %s\n", mutual_code_name(mutual_error_code(error)),
            mutual_error_stage(error), mutual_error_message(error));
    if (*mutual_error_hint(error) != '\0') fprintf(stderr, "hint: %s\n", mutual_error_hint(error));
    mutual_error_free(error);
    return 1;
}

/* Reads to the end; the size, or -1 if that is more than fits or the stream did not end as the peer wanted.
 */
static ssize_t read_question(int channel, char* question, size_t room) {
    size_t size = 0;
    ssize_t got;
    while ((got = read(channel, question + size, room - size)) > 0) size += (size_t)got;
    /* Only a proven end makes the question a whole one. */
    return got == 0 && mutual_end(channel, NULL, NULL) == MUTUAL_END_AUTHENTICATED ? (ssize_t)size : -1;
}

/* The peer's name was proved by Kerberos, and mutuald's configuration admitted it. */
static void serve(const mutual_channel* channel) {
    char question[4096];
    char answer[8192];
    const int fd = mutual_channel_fd(channel);
    const ssize_t size = read_question(fd, question, sizeof question);
    if (size < 0) {
        fprintf(stderr, "serve: no whole question from %s\n", mutual_channel_peer(channel));
        return;
    }
    const int length = snprintf(answer, sizeof answer, "%s asked '%.*s'\n", mutual_channel_peer(channel),
                                (int)size, question);
    if (send(fd, answer, (size_t)length, MSG_NOSIGNAL) != length) perror("serve: send");
}

int main(int count, char** words) {
    if (count != 2) {
        fprintf(stderr, "usage: serve_c SERVICE\n");
        return 2;
    }
    mutual_request request = MUTUAL_REQUEST_INIT;
    request.service = words[1];
    for (;;) {
        mutual_channel* channel;
        mutual_error* error;
        if (mutual_accept(&request, &channel, &error) != MUTUAL_OK) return fail(error);
        serve(channel);
        mutual_channel_free(channel); /* closes it, which ends our stream to the peer */
    }
}
