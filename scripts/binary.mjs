// Reads a compiled addon: its architecture and the symbols that it needs from the C library. A release has
// one binary for glibc and musl, so it may only need symbols of both: no function that glibc alone has, no
// version that is newer than Node's baseline, no library that is not part of musl's loader.
import { readFileSync } from 'node:fs';

/** ELF's numbers of the architectures (e_machine). */
const MACHINES = { x64: 62, arm64: 183 };

/** The newest glibc that a binary may need: 2.28, the baseline of Node 20. */
const GLIBC_MAJOR = 2;
const GLIBC_MINOR = 28;

/**
 * Libraries that musl's loader replaces by itself, with any version behind the name (dynlink.c,
 * load_library).
 */
const PART_OF_MUSL = /^lib(c|pthread|rt|m|dl|util|xnet)\./;

/** Symbols that Node provides. */
const OF_NODE = /^(napi|uv)_/;

/**
 * Symbols that C compilers call by themselves and that the addon may call: scripts/test-musl.mjs checks
 * that musl has them.
 */
export const MUSL_HAS = new Set(
  `
  __cxa_finalize __errno_location __isoc99_sscanf __sched_cpucount __stack_chk_fail __stack_chk_guard
  abort calloc free malloc realloc memchr memcmp memcpy memmove memset snprintf
  strchr strcmp strlen strncmp strrchr strtol strtoul
  clock_gettime nanosleep sysconf syscall prctl getpid getpriority getrlimit setpriority
  sched_getaffinity sched_setaffinity sched_yield
  madvise mincore mmap mprotect munmap
  pthread_self pthread_attr_destroy pthread_attr_getstack pthread_getattr_np
  pthread_create pthread_join pthread_mutex_init pthread_mutex_lock pthread_mutex_unlock pthread_once
  accept4 bind close connect dup epoll_create1 epoll_ctl epoll_wait eventfd fcntl getpeername getsockname
  getsockopt if_indextoname if_nametoindex inet_ntop inet_pton ioctl listen open pipe2 poll read readv recv
  recvmsg send sendmsg setsockopt shutdown socket timerfd_create timerfd_settime write writev
  `
    .trim()
    .split(/\s+/),
);

const SECTION_DYNAMIC = 6;
const SECTION_SYMBOLS = 11;
const NEEDED = 1n;
const WEAK = 2;

function textAt(bytes, start) {
  return bytes.toString('latin1', start, bytes.indexOf(0, start));
}

/** Returns the sections of a 64-bit, little-endian ELF file (elf(5)). */
function sections(bytes) {
  const first = Number(bytes.readBigUInt64LE(0x28));
  const size = bytes.readUInt16LE(0x3a);
  return Array.from({ length: bytes.readUInt16LE(0x3c) }, (_, index) => {
    const at = first + index * size;
    const [start, length] = [24, 32].map((field) => Number(bytes.readBigUInt64LE(at + field)));
    return {
      type: bytes.readUInt32LE(at + 4),
      start,
      end: start + length,
      link: bytes.readUInt32LE(at + 40),
    };
  });
}

/** Returns the symbols that a shared object offers and needs, and the libraries that it names. */
export function readBinary(file) {
  const bytes = readFileSync(file);
  if (bytes.toString('latin1', 0, 4) !== '\x7fELF') return undefined;
  const all = sections(bytes);
  const libraries = [];
  const needs = [];
  const offers = [];
  for (const { type, start, end, link } of all) {
    const names = all[link]?.start ?? 0;
    for (let at = start; type === SECTION_DYNAMIC && at < end; at += 16) {
      if (bytes.readBigInt64LE(at) !== NEEDED) continue;
      libraries.push(textAt(bytes, names + Number(bytes.readBigUInt64LE(at + 8))));
    }
    for (let at = start; type === SECTION_SYMBOLS && at < end; at += 24) {
      const name = textAt(bytes, names + bytes.readUInt32LE(at));
      const isUndefined = bytes.readUInt16LE(at + 6) === 0;
      if (!isUndefined) offers.push(name);
      else if (name !== '' && bytes.readUInt8(at + 4) >> 4 !== WEAK) needs.push(name);
    }
  }
  const versions = [...bytes.toString('latin1').matchAll(/GLIBC_(\d+)\.(\d+)/g)];
  return { machine: bytes.readUInt16LE(18), libraries, needs, offers, versions };
}

/** Returns why a binary cannot be released; `undefined` if it can. */
export function faultOf(file, arch) {
  const binary = readBinary(file);
  if (binary === undefined) return 'is no ELF file';
  const { machine, libraries, needs, versions } = binary;
  if (machine !== MACHINES[arch]) return `is for machine ${machine} and not ${MACHINES[arch]}`;
  const tooNew = versions.find(
    ([, major, minor]) =>
      Number(major) > GLIBC_MAJOR || (Number(major) === GLIBC_MAJOR && Number(minor) > GLIBC_MINOR),
  );
  if (tooNew !== undefined) return `needs ${tooNew[0]}: see native/old-glibc.h`;
  const foreign = libraries.find((name) => !PART_OF_MUSL.test(name));
  if (foreign !== undefined) return `needs ${foreign}, which musl does not have`;
  const unknown = needs.filter((name) => !OF_NODE.test(name) && !MUSL_HAS.has(name));
  if (unknown.length === 0) return undefined;
  return `needs ${unknown.join(', ')}: if musl has it, add it to MUSL_HAS in scripts/binary.mjs; else do without`;
}
