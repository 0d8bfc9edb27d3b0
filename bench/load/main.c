/*
 * The load generator: one thread that loads one server on 127.0.0.1 in one of several modes (modes.h). It
 * measures the operations and the CPU time of the server. The harness starts it once for each measurement.
 */
#include <string.h>

#include "clocks.h"
#include "fail.h"
#include "modes.h"

static const struct mode *const modes[] = {&echo_mode, &connect_mode, &receive_mode, &send_mode,
                                          &answer_mode};

int main(int argc, char **argv)
{
    const struct settings settings = settings_parse(argc, argv);
    if (settings.server_pid != 0)
        watch_server(settings.server_pid);
    if (strcmp(settings.mode, "hold") == 0) {
        hold_run(&settings);
        return 0;
    }
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(settings.mode, modes[i]->name) == 0) {
            measurement_run(&settings, modes[i]);
            return 0;
        }
    }
    fail("--mode: '%s' is unknown", settings.mode);
}
