/**
 * Static files: a site with a default file, compressed files, ranges, and how long a browser keeps it.
 * FOLDER is the site; by default it is a small one, which is made here.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { AsyncWebServer, WebFolder } from 'asynctcp-web';
import { options, port, serve } from './serve.js';

const STYLE = 'body { font-family: sans-serif }\n'.repeat(50);

function makeSite(): string {
  const site = mkdtempSync(join(tmpdir(), 'site-'));
  process.once('exit', () => rmSync(site, { recursive: true }));
  mkdirSync(join(site, 'www'));
  mkdirSync(join(site, 'logs'));
  writeFileSync(
    join(site, 'www', 'index.html'),
    '<!DOCTYPE html><link rel="stylesheet" href="style.css">Hello\n',
  );
  writeFileSync(join(site, 'www', 'style.css'), STYLE);
  writeFileSync(join(site, 'www', 'style.css.gz'), gzipSync(STYLE));
  writeFileSync(join(site, 'logs', 'today.txt'), '0123456789');
  return site;
}

const folder = new WebFolder(process.env['FOLDER'] ?? makeSite());
const server = new AsyncWebServer(port, options);

// A log changes: the browser asks each time if it has the newest. It may ask for a part: `Range: bytes=-5`.
server.serveStatic('/logs', folder, '/logs', 'no-cache').setTryGzipFirst(false);

// `/` is index.html. Of style.css there are two: a browser that accepts gzip gets style.css.gz.
server.serveStatic('/', folder, '/www').setDefaultFile('index.html').setCacheControl('max-age=600');

server.onNotFound((request) => request.send(404, 'text/plain', `there is no file ${request.url()}`));

await serve(server);
