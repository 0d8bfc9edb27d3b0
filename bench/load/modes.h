/* The kinds of load. */
#ifndef MODES_H
#define MODES_H

#include "measurement.h"
#include "settings.h"

/* Closed loop: each connection sends its message, waits for the reply, and sends the next. */
extern const struct mode echo_mode;

/* Short connections, one after the other in each place: connect, one byte and its echo, close. */
extern const struct mode connect_mode;

/* One connection that receives from the server as fast as possible. */
extern const struct mode receive_mode;

/* One connection that sends as fast as possible to a server that drops the bytes. */
extern const struct mode send_mode;

/*
 * The other way round: listens, prints `port <number>`, and answers the requests of the measured program,
 * which makes the next request of a connection when it has the answer.
 */
extern const struct mode answer_mode;

/*
 * Idle connections, without the phases of a measurement: opens them, sends one message on all of them at
 * once, prints how long that took, and holds them until standard input ends.
 */
void hold_run(const struct settings *settings);

#endif
