/** Registration over TLS on real sockets of this machine: a certificate that expires, and one that is renewed. */
import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import type { TlsOptions } from '../../../src/sip/transport/transport.js';
import { Registrar } from '../../../src/sip/ua/registrar.js';
import { Registration } from '../../../src/sip/ua/registration.js';
import { UserAgent } from '../../../src/sip/ua/user-agent.js';

const pem = (name: string): string => readFileSync(new URL(`../../data/tls/${name}`, import.meta.url), 'utf8');
const shows = (name: string): TlsOptions => ({ cert: pem(`${name}.pem`), key: pem(`${name}.key`), ca: pem('ca.pem') });

const agents: UserAgent[] = [];
afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.close(0)));
});

async function agentWith(options: ConstructorParameters<typeof UserAgent>[0]): Promise<UserAgent> {
  const agent = new UserAgent(options);
  agents.push(agent);
  await agent.start();
  return agent;
}

async function pbx(certificate: string, port: number): Promise<{ agent: UserAgent; registrar: Registrar; port: number }> {
  const agent = await agentWith({ listen: [{ transport: 'tls', host: '127.0.0.1', port }], tls: shows(certificate) });
  const registrar = new Registrar({ clock: agent.clock, random: agent.random, users: { alice: 'secret' } }).attach(agent);
  return { agent, registrar, port: agent.addresses[0]!.port };
}

test('RFC 5922: the certificate of the registrar expires: failed is told with the reason; renewed, registered is told, each once', async () => {
  const first = await pbx('server', 0);
  const phone = await agentWith({
    listen: [],
    tls: { ca: pem('ca.pem') },
    resolver: { naptr: async () => [], srv: async () => [], a: async () => ['127.0.0.1'], aaaa: async () => [] },
  });
  const registration = new Registration(phone, {
    uri: `sip:alice@sip.example.com:${first.port};transport=tls`,
    credentials: { user: 'alice', password: 'secret' },
    retryBaseMs: 20,
    retryMaxMs: 100,
  });
  const log: string[] = [];
  registration.on('registered', () => log.push('registered'));
  registration.on('unregistered', (reason) => log.push(`unregistered ${reason}`));
  const failed = new Promise<string>((resolve) => {
    registration.on('failed', ({ reason }) => {
      log.push('failed');
      resolve(reason);
    });
  });
  await registration.start();
  expect(first.registrar.lookup('sip:alice@sip.example.com')).toHaveLength(1);

  // Restarted with a certificate that has expired: the connection is gone, and a new one is not trusted.
  first.registrar.close();
  await first.agent.close(0);
  const second = await pbx('expired', first.port);
  expect(await failed).toContain('certificate has expired');
  expect(registration.state).toBe('retrying');

  const again = new Promise((resolve) => registration.once('registered', resolve));
  second.registrar.close();
  await second.agent.close(0);
  const third = await pbx('server', first.port);
  await again;
  expect(third.registrar.lookup('sip:alice@sip.example.com')).toHaveLength(1);
  expect(log).toEqual(['registered', 'failed', 'registered']);
  await registration.stop();
  expect(third.registrar.lookup('sip:alice@sip.example.com')).toEqual([]);
  third.registrar.close();
});
