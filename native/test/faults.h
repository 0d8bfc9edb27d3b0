/*
 * System calls that fail on purpose: what system.h declares for a build with ASYNCTCP_FAULTS, and the rules
 * by which they do it. The n-th call of a kind fails, or takes fewer bytes than it was given, and so do those
 * that follow, as often as the rule says. The rules are the process's: only one thread may use the sockets.
 */
#ifndef ASYNCTCP_FAULTS_H
#define ASYNCTCP_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fault {
  /* The first call that it concerns, from 1 on, and how many. */
  uint32_t nth;
  uint32_t times;
  /* An errno value; or 0, and the call is given no more than `bytes`. */
  int error;
  size_t bytes;
};

/* Adds a rule for the call, by its name without `sys_`. False: there is no such call, or no room for a rule. */
bool faults_set(const char *call, struct fault fault);
/* No rules any more, and all calls are counted from the beginning. */
void faults_clear(void);
/* How often it was called since; -1: there is no such call. */
int64_t faults_calls(const char *call);
/* The names of the calls; NULL for an index behind the last. */
const char *faults_name(size_t index);

#endif
