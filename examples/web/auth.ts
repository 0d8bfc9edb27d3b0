/**
 * The ways in which a client proves who it is, and what it may do then.
 *
 *     curl --user admin:secret --basic http://localhost:8080/basic
 *     curl --user admin:secret --digest http://localhost:8080/digest
 *     curl --oauth2-bearer 6f7a-81c2 http://localhost:8080/bearer
 *     curl --header 'X-Api-Key: reader' http://localhost:8080/settings
 */
import {
  AsyncAuthenticationMiddleware,
  AsyncAuthorizationMiddleware,
  AsyncAuthType,
  AsyncWebServer,
  HTTP_ANY,
  HTTP_GET,
  HTTP_PUT,
  type AsyncWebServerRequest,
} from 'asynctcp-web';
import { options, port, serve } from './serve.js';

const USERNAME = 'admin';
const PASSWORD = 'secret';
const REALM = 'lamp';
const TOKEN = '6f7a-81c2';

/** Keys of programs, and the role of each. */
const ROLES = new Map([
  ['reader', 'read'],
  ['owner', 'write'],
]);

export const server = new AsyncWebServer(port, options);

const welcome = (request: AsyncWebServerRequest): void => {
  request.send(200, 'text/plain', `welcome to ${request.url()}`);
};

// Basic: name and password in clear, so for TLS and for networks that are trusted.
const basic = new AsyncAuthenticationMiddleware()
  .setAuthType(AsyncAuthType.AUTH_BASIC)
  .setUsername(USERNAME)
  .setPassword(PASSWORD)
  .setRealm(REALM)
  .setAuthFailureMessage('the password, please');
server.on('/basic', HTTP_GET, welcome).addMiddleware(basic);

// Digest: the password never travels, and the server needs only its hash.
const digest = new AsyncAuthenticationMiddleware();
digest.setUsername(USERNAME).setPassword(PASSWORD).setRealm(REALM);
digest.generateHash();
server.on('/digest', HTTP_ANY, welcome).addMiddleware(digest);

// The same in one call, with a realm of its own.
server.on('/short', HTTP_GET, welcome).setAuthentication(USERNAME, PASSWORD);

// Bearer: a token.
const bearer = new AsyncAuthenticationMiddleware().setAuthType(AsyncAuthType.AUTH_BEARER).setToken(TOKEN);
server.on('/bearer', HTTP_GET, welcome).addMiddleware(bearer);

// A way of the program's own: a key in a header names the client's role.
const key = new AsyncAuthenticationMiddleware()
  .setAuthType(AsyncAuthType.AUTH_OTHER)
  .setAuthenticationFunction((request) => {
    const role = ROLES.get(request.header('x-api-key'));
    request.setAttribute('role', role);
    return role !== undefined;
  });

// Authorisation stands behind authentication: everyone with a key may read, and only the owner may write.
const onlyWriters = new AsyncAuthorizationMiddleware((request) => request.getAttribute('role') === 'write');
server.on('/settings', HTTP_GET, welcome).addMiddleware(key);
server
  .on('/settings', HTTP_PUT, async (request) => {
    // No byte of a body is read before both have let the request pass.
    const settings = await request.bodyText();
    request.send(200, 'text/plain', `stored ${settings.length} characters`);
  })
  .addMiddleware(key, onlyWriters);

// Without middleware: a handler may ask by itself, for a part of what it does.
server.on('/greeting', HTTP_GET, (request) => {
  if (!request.hasArg('full')) request.send(200, 'text/plain', 'hello');
  else if (request.authenticate(USERNAME, PASSWORD, REALM)) request.send(200, 'text/plain', 'hello, admin');
  else request.requestAuthentication(AsyncAuthType.AUTH_BASIC, REALM);
});

await serve(server);
