/** nodemailer: sends 50 mails on 10 connections, made secure by STARTTLS, and one with a megabyte. */
import { readFileSync } from 'node:fs';
import nodemailer from 'nodemailer';
import type { SMTPTransportGetSocket } from 'nodemailer/lib/smtp-transport';
import { connect, explicitly, MEGABYTE } from './network.js';

const [, , port = '2525', folder = '.'] = process.argv;
const target = { host: '127.0.0.1', port: Number(port) };
const getSocket: SMTPTransportGetSocket = (_, done) => {
  const connection = connect(target, () => done(null, { connection }));
  connection.once('error', done);
};

const transport = nodemailer.createTransport({
  ...target,
  pool: true,
  maxConnections: 10,
  requireTLS: true,
  tls: { servername: 'localhost', ca: readFileSync(`${folder}/ca.pem`) },
  ...explicitly({ getSocket }),
});

const mails = Array.from({ length: 50 }, (_, id) =>
  transport.sendMail({ from: 'node@example.com', to: `reader${id}@example.com`, text: `mail ${id}` }),
);
const answers = await Promise.all(mails);
console.log(`${answers.filter(({ accepted }) => accepted.length === 1).length} mails were accepted`);

const attachments = [{ filename: 'megabyte', content: MEGABYTE }];
const large = await transport.sendMail({ from: 'node@example.com', to: 'large@example.com', attachments });
console.log(`the large mail: ${large.response}`);
transport.close();
