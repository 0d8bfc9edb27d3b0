/*
 * Binds functions whose symbol got a new version in a newer glibc to the old one, so that an addon compiled
 * here loads with glibc 2.28, the oldest that Node 20 runs on. These functions moved from libpthread into
 * libc (2.32 and 2.34) and did not change. The old version's name is that of the first glibc of the
 * architecture. Include it in each file that calls one of them, after a system header.
 * scripts/prebuild-native.mjs refuses a binary that needs more. musl takes no notice of versions.
 */
#ifndef ASYNCTCP_OLD_GLIBC_H
#define ASYNCTCP_OLD_GLIBC_H

#ifdef __GLIBC__

#if defined(__x86_64__)
#define ASYNCTCP_FIRST_GLIBC "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define ASYNCTCP_FIRST_GLIBC "GLIBC_2.17"
#endif

#ifdef ASYNCTCP_FIRST_GLIBC
__asm__(".symver pthread_getattr_np, pthread_getattr_np@" ASYNCTCP_FIRST_GLIBC);
__asm__(".symver pthread_attr_getstack, pthread_attr_getstack@" ASYNCTCP_FIRST_GLIBC);
#endif

#endif

#endif
