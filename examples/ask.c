/* SPDX-License-Identifier: Apache-2.0 */
/* ask_c SERVICE QUESTION: opens a channel to a service, sends the question, shows the answer.
 *
 *     cc -o ask_c ask.c $(pkg-config --cflags --libs mutual) */
#include <mutual/mutual.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* An error tells what happened, where, and often what to do about it. */
static int fail(mutual_error* error) {
    fprintf(stderr, "ask: %s at %s: %s\n", mutual_code_name(mutual_error_code(error)),
            mutual_error_stage(error), mutual_error_message(error));
    if (*mutual_error_hint(error) != '\0') fprintf(stderr, "hint: %s\n", mutual_error_hint(error));
    mutual_error_free(error);
    return 1;
}

/* 0, or -1 when the channel does not take it. MSG_NOSIGNAL: a channel that ended is an error, not a signal.
 */
static int send_all(int channel, const char* text) {
    size_t size = strlen(text);
    while (size > 0) {
        const ssize_t sent = send(channel, text, size, MSG_NOSIGNAL);
        if (sent < 0) return -1;
        text += sent;
        size -= (size_t)sent;
    }
    return 0;
}

static int show_answer(int channel) {
    char buffer[4096];
    ssize_t size;
    while ((size = read(channel, buffer, sizeof buffer)) > 0) fwrite(buffer, 1, (size_t)size, stdout);
    return size == 0 && fflush(stdout) == 0 ? 0 : -1;
}

/* The end of a stream may have been forged, unless the daemon says that the peer proved it. */
static int check_end(int channel) {
    mutual_error* error;
    const mutual_verdict verdict = mutual_end(channel, NULL, &error);
    if (verdict == MUTUAL_END_UNKNOWN) return fail(error);
    if (verdict == MUTUAL_END_AUTHENTICATED) return 0;
    fprintf(stderr, "ask: the answer may be incomplete: the stream's end is %s\n",
            mutual_verdict_name(verdict));
    return 1;
}

static int ask(int channel, const char* question) {
    if (send_all(channel, question) != 0 || shutdown(channel, SHUT_WR) != 0) perror("ask: send");
    if (show_answer(channel) != 0) perror("ask: receive");
    return check_end(channel);
}

int main(int count, char** words) {
    if (count != 3) {
        fprintf(stderr, "usage: ask_c SERVICE QUESTION\n");
        return 2;
    }
    mutual_request request = MUTUAL_REQUEST_INIT;
    request.service = words[1];
    mutual_channel* channel;
    mutual_error* error;
    /* After this, the peer has proved its name, and it has admitted us. */
    if (mutual_open(&request, &channel, &error) != MUTUAL_OK) return fail(error);
    fprintf(stderr, "ask: %s, this is %s\n", mutual_channel_peer(channel), mutual_channel_self(channel));
    const int status = ask(mutual_channel_fd(channel), words[2]);
    mutual_channel_free(channel);
    return status;
}
