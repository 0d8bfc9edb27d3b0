/** A mail sink with smtp-server, which offers STARTTLS: prints sender, recipients and size of each mail. */
import { readFileSync } from 'node:fs';
import { SMTPServer } from 'smtp-server';
import { carry, serve } from './network.js';

const [, , , folder = '.'] = process.argv;

const sink = new SMTPServer({
  key: readFileSync(`${folder}/server-key.pem`),
  cert: readFileSync(`${folder}/server.pem`),
  authOptional: true,
  onData(stream, session, done) {
    let bytes = 0;
    stream.on('data', (data: Buffer) => (bytes += data.length));
    stream.on('end', () => {
      const { mailFrom, rcptTo } = session.envelope;
      const from = mailFrom === false ? '' : mailFrom.address;
      const to = rcptTo.map(({ address }) => address).join(', ');
      console.log(`${session.secure ? 'TLS' : 'plain'}: ${from} to ${to}, ${bytes} bytes`);
      done();
    });
  },
});
sink.on('error', (error: Error) => console.error(error.message));

serve(carry(sink.server), () => {
  sink.close();
});
