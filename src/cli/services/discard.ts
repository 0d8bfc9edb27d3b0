/** Discard (RFC 863): receives everything and sends nothing. */
import type { Service } from './service.js';

export const discard: Service = {
  name: 'discard',
  wellKnownPort: 9,
  rfc: 863,
  meaning: 'receives everything and sends nothing',
  example: (host, port) => `yes | nc ${host} ${port}`,
  serve: (client, traffic) => {
    client.onData((_, data) => {
      traffic.bytesIn += data.length;
    });
  },
};
