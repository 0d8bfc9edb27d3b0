/** The way of a token into a browser: a link, or a form, that is answered by a cookie. */
import { AsyncAuthType } from '../auth/auth-type.js';
import { HttpError } from '../http-error.js';
import type { ArMiddlewareCallback } from '../middleware/middleware.js';
import type { AsyncWebServerRequest } from '../request/request.js';
import { AsyncBasicResponse } from '../response/basic-response.js';
import { isSecure } from './guard.js';
import type { Token } from './token.js';

/** The dashboard that a token opens. */
export interface Door {
  /** Its path, without the slash at the end. */
  readonly base: string;
  readonly token: Token;
  /** Port of its server. */
  readonly port: number;
}

/** The form. Its text is constant: nothing of a request is in it. */
function formOf(base: string, note: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>asynctcp</title>
<link rel="stylesheet" href="${base}/login.css">
</head>
<body>
<main>
<h1>asynctcp dashboard</h1>
<form method="post" action="${base}/login">
<p role="alert">${note}</p>
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Open</button>
</form>
<p>The program printed it with a link when it began to listen.</p>
</main>
</body>
</html>
`;
}

/** Answers a request without the token: by the form if it is a visit of the page, else by 401. */
export function askForToken(request: AsyncWebServerRequest, door: Door): void {
  const { base, token } = door;
  const isPage = request.url() === `${base}/`;
  if (!isPage) {
    request.requestAuthentication(AsyncAuthType.AUTH_BEARER, 'asynctcp dashboard');
    return;
  }
  const given = request.getParam('token')?.value();
  if (given !== undefined && token.is(given)) enter(request, door);
  else sendForm(request, base, given === undefined ? '' : 'This is not the token.');
}

/** Middleware of the page: the token leaves the address also if the client has the cookie, or needs none. */
export function leaveToken(base: string): ArMiddlewareCallback {
  return (request, next) => {
    if (request.url() !== `${base}/` || request.getParam('token') === undefined) return next();
    request.redirect(`${base}/`, 303);
    return undefined;
  };
}

/** Takes the form, whose body has been read. @throws HttpError with 400 */
export function takeToken(request: AsyncWebServerRequest, door: Door): void {
  const { base, token } = door;
  const given = request.getParam('token', true)?.value();
  if (given === undefined) throw new HttpError(400, 'the form has no field token');
  if (token.is(given)) enter(request, door);
  else sendForm(request, base, 'This is not the token.');
}

/** The token leaves the address of the page, so that it is in no history and no picture. */
function enter(request: AsyncWebServerRequest, { base, token, port }: Door): void {
  const cookie = token.cookie(`${base}/`, isSecure(request), port);
  const response = new AsyncBasicResponse(303).addHeader('Location', `${base}/`);
  request.send(response.addHeader('Set-Cookie', cookie));
}

function sendForm(request: AsyncWebServerRequest, base: string, note: string): void {
  request.send(new AsyncBasicResponse(401, 'text/html; charset=utf-8', formOf(base, note)));
}
