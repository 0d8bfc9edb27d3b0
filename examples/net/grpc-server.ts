/** A gRPC service on HTTP/2 with grpc-js: a call that sends its bytes back, and a stream of numbers. */
import {
  Server,
  ServerCredentials,
  type handleServerStreamingCall,
  type handleUnaryCall,
} from '@grpc/grpc-js';
import { createServer, serve, stack } from './network.js';

/** Messages are bytes here; protobuf's code would stand in these two places. */
const bytes = (message: Buffer) => message;
const method = {
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
  requestStream: false,
};

const echo: handleUnaryCall<Buffer, Buffer> = (call, done) => {
  done(null, call.request);
};
const count: handleServerStreamingCall<Buffer, Buffer> = (call) => {
  for (let n = 0; n < Number(call.request); n += 1) call.write(Buffer.from(String(n)));
  call.end();
};

const grpc = new Server({ 'grpc.max_receive_message_length': 2_097_152 });
grpc.addService(
  {
    Echo: { ...method, path: '/Examples/Echo', responseStream: false },
    Count: { ...method, path: '/Examples/Count', responseStream: true },
  },
  { Echo: echo, Count: count },
);

const credentials = ServerCredentials.createInsecure();
const end = () => {
  grpc.tryShutdown(() => undefined);
};
if (stack === undefined) {
  grpc.bindAsync(`127.0.0.1:${process.argv[2] ?? 0}`, credentials, (_, port) => {
    console.log(`listening on port ${port}`);
  });
  process.once('SIGTERM', end);
} else {
  const injector = grpc.createConnectionInjector(credentials);
  const server = createServer((socket) => {
    injector.injectConnection(socket);
  });
  serve(server, () => {
    server.close();
    end();
  });
}
