/* What the load generator can do to a server. */
#ifndef MODES_H
#define MODES_H

#include "measurement.h"
#include "settings.h"

/* A closed loop: each connection sends its message, waits until it is back, and sends it again. */
extern const struct mode echo_mode;

/* Connections, one after the other in each of so many places: connect, one byte there and back, close. */
extern const struct mode connect_mode;

/* One connection that takes what the server sends, as fast as it can. */
extern const struct mode receive_mode;

/* One connection that sends to a server that drops what comes, as fast as it can. */
extern const struct mode send_mode;

/*
 * No measurement with phases: opens its connections, sends one message on all of them at once, prints how
 * long that took, and holds them, idle, until standard input ends.
 */
void hold_run(const struct settings *settings);

#endif
