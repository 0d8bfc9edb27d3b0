/**
 * Uploads: stores the files of a form in a folder, and answers with what came. A file appears under its name
 * when all of it is there. FOLDER is the folder; by default it is a new one.
 */
import { createHash, randomUUID, type Hash } from 'node:crypto';
import { mkdtemp, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AsyncWebServer, baseNameOf, HTTP_GET, HTTP_POST, HttpError } from 'asynctcp-web';
import type { AsyncWebServerRequest } from 'asynctcp-web';
import { options, port, serve } from './serve.js';

const FORM = `<!DOCTYPE html><title>Upload</title>
<form action="/upload" method="post" enctype="multipart/form-data">
<input name="note"><input name="files" type="file" multiple><button>Send</button></form>`;

const MAX_NAME_BYTES = 255;

const folder = process.env['FOLDER'] ?? (await mkdtemp(join(tmpdir(), 'uploads-')));
console.log(`files go to ${folder}`);

/** The files of one form, which come one after the other. */
class Upload {
  readonly stored: { name: string; bytes: number; sha256: string }[] = [];
  #name = '';
  #path = '';
  #hash: Hash | undefined;
  #file: FileHandle | undefined;
  #isCancelled = false;

  async begin(filename: string): Promise<void> {
    this.#name = baseNameOf(filename);
    const isName = this.#name !== '' && Buffer.byteLength(this.#name) <= MAX_NAME_BYTES;
    if (!isName) throw new HttpError(400, 'no file can be stored under such a name');
    this.#path = join(folder, `.${randomUUID()}`);
    this.#hash = createHash('sha256');
    this.#file = await open(this.#path, 'wx');
    if (this.#isCancelled) await this.cancel();
  }

  async write(data: Uint8Array): Promise<void> {
    this.#hash?.update(data);
    await this.#file?.writeFile(data);
  }

  async finish(bytes: number): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    await file.close();
    await rename(this.#path, join(folder, this.#name));
    this.stored.push({ name: this.#name, bytes, sha256: this.#hash?.digest('hex') ?? '' });
  }

  /** Removes a file that is not finished. */
  async cancel(): Promise<void> {
    this.#isCancelled = true;
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    await file.close();
    await rm(this.#path);
    console.log(`${this.#name} was removed: its end has not come`);
  }
}

function uploadOf(request: AsyncWebServerRequest): Upload {
  const known = request.getAttribute('upload');
  if (known instanceof Upload) return known;
  const upload = new Upload();
  request.setAttribute('upload', upload);
  // Called when the answer has left, which may be a refusal, and when the client has gone.
  request.onDisconnect(() => void upload.cancel());
  return upload;
}

export const server = new AsyncWebServer(port, { ...options, limits: { uploadBytes: 100_000_000 } });

server.on('/', HTTP_GET, (request) => request.send(200, 'text/html', FORM));

server.on(
  '/upload',
  HTTP_POST,
  (request) => {
    const answer = { note: request.arg('note'), files: uploadOf(request).stored };
    request.send(201, 'application/json', JSON.stringify(answer));
  },
  // The next piece is read when this one is written: a fast client waits for a slow disk.
  async (request, filename, index, data, final) => {
    const upload = uploadOf(request);
    if (index === 0) await upload.begin(filename);
    await upload.write(data);
    if (final) await upload.finish(index + data.length);
  },
);

await serve(server);
