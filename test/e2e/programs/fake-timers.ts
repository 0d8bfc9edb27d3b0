/**
 * A program that fakes its timers after it has loaded the library. Arguments: the stack and the kind of fake.
 */
import { writeSync } from 'node:fs';
import { mock } from 'node:test';
import { install } from '@sinonjs/fake-timers';
import { AsyncClient, AsyncServer, kernelStack, nodeStack, TcpError, type TcpStack } from 'asynctcp';

/** Ends a program that hangs, and keeps the process alive, which the library's alarms do not. */
setTimeout(() => process.exit(3), 60_000);

const FAKES: Readonly<Record<string, () => unknown>> = {
  'node:test': () => {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] });
  },
  everything: () => install(),
  'everything but nextTick': () => install({ toNotFake: ['nextTick'] }),
};

async function conversation(stack: TcpStack): Promise<{ told: string[]; port: number }> {
  const told: string[] = [];
  const server = new AsyncServer('127.0.0.1', 0, { stack });
  server.onClient((client) => {
    client.onData((_, data) => {
      client.write(data);
    });
  });
  await server.begin();
  const client = await AsyncClient.open('127.0.0.1', server.port(), { stack, timeoutMs: 50_000 });
  client.onAck(() => told.push('ack'));
  const echoed = new Promise<void>((resolve) => {
    client.onData(() => resolve());
  });
  client.write('hello');
  await echoed;
  told.push('echo');
  await new Promise<void>((resolve) => {
    client.onPoll(() => resolve());
  });
  told.push('poll');
  client.onPoll(undefined);
  // The peer sends nothing more.
  client.setRxTimeout(0.05);
  await new Promise<void>((resolve) => {
    client.onDisconnect(() => resolve());
  });
  told.push('rx timeout');
  const port = server.port();
  await server.end();
  return { told, port };
}

/** An attempt whose lookup is never answered: its timeout ends it. */
async function attempt(stack: TcpStack): Promise<string> {
  const failure: unknown = await AsyncClient.open('deaf.test', 80, { stack, timeoutMs: 50 }).catch(
    (error: unknown) => error,
  );
  return failure instanceof TcpError ? `error ${failure.code}` : String(failure);
}

/** A lookup, and a refused connection. */
async function lookUp(stack: TcpStack, port: number): Promise<string> {
  const failure: unknown = await AsyncClient.open('localhost', port, { stack }).catch(
    (error: unknown) => error,
  );
  return failure instanceof TcpError ? `error ${failure.code}` : String(failure);
}

const [, , stackName, fakeName = ''] = process.argv;
const make = stackName === 'node' ? nodeStack : kernelStack;
const stack = make();
const deaf = make({ lookup: () => undefined });
FAKES[fakeName]?.();
const { told, port } = await conversation(stack);
writeSync(1, [...told, await attempt(deaf), await lookUp(stack, port)].join('\n'));
process.exit();
