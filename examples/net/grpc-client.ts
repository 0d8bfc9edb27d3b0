/** A gRPC client with grpc-js, which connects by itself: 50 calls at once, a megabyte, and a stream. */
import assert from 'node:assert/strict';
import { Client, credentials } from '@grpc/grpc-js';
import { MEGABYTE } from './network.js';

const bytes = (message: Buffer) => message;
const client = new Client(`127.0.0.1:${process.argv[2] ?? 50051}`, credentials.createInsecure(), {
  'grpc.max_receive_message_length': 2_097_152,
});

const echo = (message: Buffer) =>
  new Promise<Buffer | undefined>((resolve, reject) => {
    client.makeUnaryRequest('/Examples/Echo', bytes, bytes, message, (error, answer) => {
      if (error === null) resolve(answer);
      else reject(error);
    });
  });

const messages = Array.from({ length: 50 }, (_, id) => Buffer.from(`call ${id}`));
assert.deepEqual(await Promise.all(messages.map(echo)), messages);
assert.deepEqual(await echo(MEGABYTE), MEGABYTE);
console.log('51 calls were answered');

let sum = 0;
for await (const message of client.makeServerStreamRequest(
  '/Examples/Count',
  bytes,
  bytes,
  Buffer.from('1000'),
))
  sum += Number(message);
console.log(`the stream's sum is ${sum}`);
client.close();
