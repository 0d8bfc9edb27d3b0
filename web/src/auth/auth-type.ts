/** The ways in which a client proves who it is. The names are ESPAsyncWebServer's. */

export const AsyncAuthType = {
  /** Everyone passes. */
  AUTH_NONE: 0,
  /** Name and password in clear (RFC 7617): for TLS, and for networks that are trusted. */
  AUTH_BASIC: 1,
  /** Proof that the client knows the password (RFC 7616). */
  AUTH_DIGEST: 2,
  /** A token (RFC 6750). */
  AUTH_BEARER: 3,
  /** A function of the program decides. */
  AUTH_OTHER: 4,
  /** No one passes. */
  AUTH_DENIED: 5,
} as const;

export type AsyncAuthType = (typeof AsyncAuthType)[keyof typeof AsyncAuthType];

/** Realm of a program that names none: what a browser shows beside its question for a password. */
export const DEFAULT_REALM = 'asynctcp';
