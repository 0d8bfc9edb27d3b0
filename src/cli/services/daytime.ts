/** Daytime (RFC 867): one line with the time, whatever the peer sends, and the end. */
import { localTimeText } from '../wall-clock.js';
import type { Service } from './service.js';

export const daytime: Service = {
  name: 'daytime',
  wellKnownPort: 13,
  rfc: 867,
  meaning: 'tells the time and closes',
  // -d: nc would wait for the end of the terminal's input.
  example: (host, port) => `nc -d ${host} ${port}`,
  serve: (client, traffic) => {
    traffic.bytesOut += client.write(`${localTimeText()}\r\n`);
    client.close();
  },
};
