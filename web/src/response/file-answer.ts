/** Makes the answer of `request.send(folder, path)`. */
import { acceptsGzip } from '../files/gzip.js';
import { fileAt, run, type Found } from '../files/search.js';
import { Template, type TemplateProcessor } from '../files/template.js';
import { WebFolder } from '../files/web-folder.js';
import type { AsyncWebServerRequest } from '../request/request.js';
import { AsyncFileResponse, type FileResponseOptions } from './file-response.js';

/** Returns an answer that looks for its file when it leaves. */
export function fileResponse(
  request: AsyncWebServerRequest,
  folder: WebFolder | string,
  path: string,
  options: FileResponseOptions,
  processor: TemplateProcessor | undefined,
): AsyncFileResponse {
  const template = processor === undefined ? undefined : new Template(processor);
  const source = async (): Promise<Found | 'absent'> => {
    const gzip = template === undefined && options.download !== true ? 'first' : 'never';
    const accepts = acceptsGzip(request.message.headers['accept-encoding']);
    const found = await run(WebFolder.of(folder), fileAt(path, gzip, accepts));
    return found === 'folder' ? 'absent' : found;
  };
  return new AsyncFileResponse(request, source, { ...options, template });
}
