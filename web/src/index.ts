/** The door of the package: ESPAsyncWebServer's classes. */
export { AsyncAuthType, DEFAULT_REALM } from './auth/auth-type.js';
export { generateDigestHash } from './auth/credentials.js';
export { AsyncEventSourceClient, type EventOptions } from './events/event-source-client.js';
export * from './events/event-source.js';
export * from './events/options.js';
export type { TemplateFunction, TemplateProcessor, TemplateValue } from './files/template.js';
export type { WebFile } from './files/web-file.js';
export * from './files/web-folder.js';
export * from './handlers/callback-handler.js';
export * from './handlers/fetch-handler.js';
export * from './handlers/handler.js';
export * from './handlers/json-handler.js';
export * from './handlers/static-handler.js';
export * from './header.js';
export * from './http-error.js';
export {
  DEFAULT_EVENT_SOURCE_LIMITS,
  DEFAULT_FOLDER_LIMITS,
  DEFAULT_LIMITS,
  DEFAULT_WEB_SOCKET_LIMITS,
  type EventSourceLimits,
  type FolderLimits,
  type Limits,
  type QueueLimits,
  type WebSocketLimits,
} from './limits.js';
export {
  HTTP_ANY,
  HTTP_COPY,
  HTTP_DELETE,
  HTTP_GET,
  HTTP_HEAD,
  HTTP_LOCK,
  HTTP_MKCOL,
  HTTP_MOVE,
  HTTP_OPTIONS,
  HTTP_PATCH,
  HTTP_POST,
  HTTP_PROPFIND,
  HTTP_PROPPATCH,
  HTTP_PUT,
  HTTP_UNLOCK,
} from './methods.js';
export * from './middleware/authentication.js';
export * from './middleware/authorization.js';
export * from './middleware/cors.js';
export * from './middleware/header-free.js';
export * from './middleware/logging.js';
export * from './middleware/middleware.js';
export * from './middleware/rate-limit.js';
export type { QueuePolicy, SendCounts, SendResult } from './queue/send-queue.js';
export type { BodySinks } from './request/body-sinks.js';
export * from './request/parameter.js';
export { AsyncWebServerRequest, type AsyncWebServerRequestPtr } from './request/request.js';
export * from './response/basic-response.js';
export * from './response/fetch-response.js';
export { AsyncFileResponse } from './response/file-response.js';
export { RESPONSE_TRY_AGAIN, type AwsResponseFiller } from './response/filler.js';
export * from './response/piecewise-response.js';
export * from './response/print-response.js';
export type { Pieces } from './response/pump.js';
export * from './response/response.js';
export * from './response/value-response.js';
export * from './rewrite.js';
export * from './server-options.js';
export * from './server.js';
export * from './uri-matcher.js';
export * from './websocket/event.js';
export * from './websocket/message-handler.js';
export * from './websocket/options.js';
export { AsyncWebSocketClient, type MessageOptions } from './websocket/web-socket-client.js';
export * from './websocket/web-socket.js';
