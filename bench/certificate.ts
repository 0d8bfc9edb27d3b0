// A certificate for the HTTPS server of the benchmark, signed by itself, made once by the command `openssl`.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { CACHE } from './install.js';

const FOLDER = join(CACHE, 'certificate');
const KEY = join(FOLDER, 'key.pem');
const CERTIFICATE = join(FOLDER, 'certificate.pem');

const DAYS = 3650;
const SELF_SIGNED = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=127.0.0.1 -days ${DAYS}`;

/** Makes the certificate unless it is there. Returns the reason if it could not be made. */
export function makeCertificate(): string | undefined {
  if (existsSync(CERTIFICATE)) return undefined;
  mkdirSync(FOLDER, { recursive: true });
  const { status } = spawnSync('openssl', [...SELF_SIGNED.split(' '), '-keyout', KEY, '-out', CERTIFICATE]);
  return status === 0 ? undefined : 'the command openssl could not make a certificate';
}

/** Returns the options of a server. */
export function certificate(): { readonly key: Buffer; readonly cert: Buffer } {
  return { key: readFileSync(KEY), cert: readFileSync(CERTIFICATE) };
}
