/** Takers of a body that is passed on as it comes. Handlers have them. */
import type { AsyncWebServerRequest } from './request.js';

/** Takes the pieces of a body. A promise holds the next piece up. */
export interface BodySinks {
  /** Takes a piece of a file of a form. */
  handleUpload?(
    request: AsyncWebServerRequest,
    filename: string,
    index: number,
    data: Uint8Array,
    final: boolean,
  ): unknown;
  /** Takes a piece of a body that is no form. `total`: bytes of the body; 0 if it is chunked. */
  handleBody?(request: AsyncWebServerRequest, data: Uint8Array, index: number, total: number): unknown;
}
