/** Daytime (RFC 867): sends one line with the time, ignores the peer's bytes, and closes. */
import { localTimeText } from '../wall-clock.js';
import type { Service } from './service.js';

export const daytime: Service = {
  name: 'daytime',
  wellKnownPort: 13,
  rfc: 867,
  meaning: 'sends the time and closes',
  // Without -d, nc would wait for the end of the terminal's input.
  example: (host, port) => `nc -d ${host} ${port}`,
  serve: (client, traffic) => {
    traffic.bytesOut += client.write(`${localTimeText()}\r\n`);
    client.close();
  },
};
