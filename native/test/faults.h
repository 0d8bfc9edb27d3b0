/*
 * System calls that fail on purpose: those that system.h declares for a build with ASYNCTCP_FAULTS. A rule
 * names a kind of call, the first call that it concerns and the number of calls: each of them fails, or
 * handles fewer bytes than it was given. The rules belong to the process, in which only one thread may use
 * the sockets.
 */
#ifndef ASYNCTCP_FAULTS_H
#define ASYNCTCP_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fault {
  /* The first call that it concerns, counted from 1, and the number of calls. */
  uint32_t nth;
  uint32_t times;
  /* An errno value. 0: the call succeeds, and handles no more than `bytes`. */
  int error;
  size_t bytes;
};

/*
 * Adds a rule for the call of this name, which lacks the `sys_` of system.h. Returns false if there is no
 * such call, or no room for a rule.
 */
bool faults_set(const char *call, struct fault fault);
/* Removes all rules and resets the counts of calls. */
void faults_clear(void);
/* Returns the number of calls since `faults_clear`; -1 if there is no such call. */
int64_t faults_calls(const char *call);
/* Returns the name of a call; NULL for an index past the last one. */
const char *faults_name(size_t index);

#endif
