/** Makes the answer of `request.send(folder, path)`. */
import type { AsyncWebServerRequest } from '../request/request.js';
import { AsyncFileResponse, type FileResponseOptions } from '../response/file-response.js';
import { acceptsGzip } from './gzip.js';
import { fileAt, run, type Found } from './search.js';
import { Template, type TemplateProcessor } from './template.js';
import { WebFolder } from './web-folder.js';

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
