/*
 * Binds functions to an old version of their symbol where a newer glibc gave them a new one, so that an
 * addon compiled here loads with glibc 2.28, the oldest that Node 20 supports. These functions moved from
 * libpthread into libc (2.32 and 2.34) and did not change. The old version is named after the first glibc
 * of the architecture. Each file that calls one of these functions includes this header, after a system
 * header. scripts/prebuild-native.mjs refuses a binary that needs a newer glibc. musl ignores versions.
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
