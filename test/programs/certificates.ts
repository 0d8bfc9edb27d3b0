/** Certificates for one test, made by OpenSSL. */
import type { TestContext } from 'node:test';
import { startPeer } from '../e2e/programs.js';
import { temporaryFolder } from '../e2e/programs/inline.js';

/**
 * Resolves to a folder with a certificate authority, a server's and a client's certificate by it, and a
 * stranger's.
 */
export async function makeCertificates(test: TestContext): Promise<string> {
  const folder = temporaryFolder(test);
  const make = (name: string, subject: string, ...args: string[]) => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const files = ['-keyout', `${folder}/${name}-key.pem`, '-out', `${folder}/${name}.pem`];
    return startPeer(
      test,
      'openssl',
      'req',
      '-x509',
      ...key,
      ...files,
      '-subj',
      `/CN=${subject}`,
      ...args,
    ).output();
  };
  const byAuthority = ['-CA', `${folder}/ca.pem`, '-CAkey', `${folder}/ca-key.pem`];
  const names = ['-addext', 'subjectAltName=DNS:localhost'];
  await make('ca', 'authority');
  await make('server', 'localhost', ...byAuthority, ...names);
  await make('client', 'client', ...byAuthority);
  await make('stranger', 'stranger');
  return folder;
}
