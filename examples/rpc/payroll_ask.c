/* SPDX-License-Identifier: Apache-2.0 */
/* payroll_ask SERVICE PERSON: asks the payroll what somebody earns, by the stubs that rpcgen made. Only the
 * connection is mutuald's: on it calls are plain, on the network they are under RPCSEC_GSS. */
#include <mutual/mutual.h>
#include <stdio.h>
#include <stdlib.h>

#include "payroll.h"

static int fail(mutual_error* error) {
    fprintf(stderr, "payroll_ask: %s at %s: %s\n", mutual_code_name(mutual_error_code(error)),
            mutual_error_stage(error), mutual_error_message(error));
    if (*mutual_error_hint(error) != '\0') fprintf(stderr, "hint: %s\n", mutual_error_hint(error));
    mutual_error_free(error);
    return 1;
}

/* A client on a connected socket; libtirpc wants an address, too, and does not look at it. */
static CLIENT* client_on(int channel) {
    char address[1] = {0};
    struct netbuf unused = {sizeof address, sizeof address, address};
    CLIENT* client = clnt_vc_create(channel, &unused, PAYROLL, PAYROLL_1, 0, 0);
    if (client == NULL) clnt_pcreateerror("payroll_ask");
    return client;
}

/* A result came from the peer that mutual_open() named, unaltered: no end has to be checked here. */
static int ask(CLIENT* payroll, char* name) {
    int salary = 0;
    person caller = NULL;
    if (salary_1(name, &salary, payroll) != RPC_SUCCESS || who_am_i_1(&caller, payroll) != RPC_SUCCESS) {
        clnt_perror(payroll, "payroll_ask");
        return 1;
    }
    printf("%s asked: %s earns %d\n", caller, name, salary);
    free(caller);
    return 0;
}

int main(int count, char** words) {
    if (count != 3) {
        fprintf(stderr, "usage: payroll_ask SERVICE PERSON\n");
        return 2;
    }
    mutual_request request = MUTUAL_REQUEST_INIT;
    request.service = words[1];
    mutual_channel* channel;
    mutual_error* error;
    if (mutual_open(&request, &channel, &error) != MUTUAL_OK) return fail(error);
    CLIENT* payroll = client_on(mutual_channel_fd(channel));
    int status = 1;
    if (payroll != NULL) {
        status = ask(payroll, words[2]);
        clnt_destroy(payroll);
    }
    mutual_channel_free(channel);
    return status;
}
