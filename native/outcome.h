/*
 * How a call to the system ended. The parts of the addon that know nothing of Node-API return it; addon.c
 * makes an exception of it.
 */
#ifndef ASYNCTCP_OUTCOME_H
#define ASYNCTCP_OUTCOME_H

struct outcome {
  /* An errno value, or 0: done. */
  int error;
  /* The call that failed, for the exception's `syscall`; a constant. NULL when nothing failed. */
  const char *call;
};

static inline struct outcome done(void) {
  const struct outcome result = {0, 0};
  return result;
}

static inline struct outcome failed(int error, const char *call) {
  const struct outcome result = {error, call};
  return result;
}

#endif
