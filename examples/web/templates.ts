/** Templates: pages in which `%NAME%` is replaced by a value, for the names that the program gives. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AsyncWebServer, HTTP_GET, WebFolder } from 'asynctcp-web';
import { options, port, serve } from './serve.js';

const PAGE = `<!DOCTYPE html><title>%DEVICE%</title>
<p>%GREETING%</p>
<p>Visits: %VISITS%</p>
<p>Humidity: 40%, and 100% sure. %UNKNOWN% stays.</p>
`;

const site = mkdtempSync(join(tmpdir(), 'templates-'));
process.once('exit', () => rmSync(site, { recursive: true }));
writeFileSync(join(site, 'index.html'), PAGE);
writeFileSync(join(site, 'status.txt'), '%DEVICE%: %LED%\n');

/** Returns text as HTML shows it. A template replaces a name by the value as it is. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

let visits = 0;

const folder = new WebFolder(site);
const server = new AsyncWebServer(port, options);

// For one answer, with names of its own.
server.on('/status', HTTP_GET, (request) => {
  const led = request.arg('led') === 'on' ? 'on' : 'off';
  request.send(folder, '/status.txt', 'text/plain', false, { DEVICE: 'Desk lamp', LED: led });
});

// For all files of a folder. A value is text, a number, or a function that is called for each request.
server.serveStatic('/', folder).setTemplateProcessor({
  DEVICE: 'Desk lamp',
  VISITS: () => (visits += 1),
  GREETING: (request) => `Hello, ${escapeHtml(request.arg('name') || 'stranger')}`,
});

await serve(server);
