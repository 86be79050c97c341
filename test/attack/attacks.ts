/** What is thrown at a SIP port on the internet: SIPVicious plain and disguised, floods of SIPp, and floods that no tool of others does. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BanReason } from '../../src/sip/ua/guard/guard.js';
import { ask, heard, sleep, start, tool } from './processes.js';
import { address, BOT, type BotReport, type FloodKind, type FloodStart, PASSWORD, USER } from './wire.js';

export interface Attack {
  readonly name: string;
  /** Resolves with how much was thrown, and what the attacker says of it. */
  run(): Promise<{ readonly thrown?: number; readonly said?: string }>;
  /** What must be so afterwards besides the honest calls. */
  wrong?(said: string, before: BotReport, after: BotReport): string | undefined;
}

export interface AttackOptions {
  /** A folder for what the tools read and write. */
  readonly work: string;
  readonly seconds: number;
  /** Where the bot's media of one of the honest calls is. */
  readonly rtpPort: () => number;
}

let attackers = 70;
const nextAddress = (): string => address(attackers++);

type Vicious = 'svmap' | 'svwar' | 'svcrack';

/**
 * SIPVicious, from an address of its own (two of the three forget their `-b`). 'disguised': as those run it who know what guards look for, without its
 * names; and told to answer with MD5, since version 0.3.3 falls over a challenge that offers SHA-256 first.
 */
async function vicious(
  o: AttackOptions,
  face: 'plain' | 'disguised',
  program: Vicious,
  args: readonly string[],
): Promise<{ said: string }> {
  const code = `import sys; sys.path.insert(0, '${face}'); sys.argv[0] = '${program}'; from sipvicious.${program} import main; main()`;
  const from = nextAddress();
  const bound = program === 'svmap' ? ['-b', from] : [];
  const line = [`BIND=${from}`, 'python3', '-c', code, ...bound, '-p', '5060', ...args, BOT];
  return { said: await tool('env', line, { cwd: o.work, limitMs: (o.seconds + 5) * 1000 }) };
}

function copyVicious(work: string, face: 'plain' | 'disguised'): void {
  cpSync('/usr/share/sipvicious/sipvicious', join(work, face, 'sipvicious'), { recursive: true });
  for (const file of readdirSync(join(work, face), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.py'))) {
    const at = join(work, face, file);
    const text = readFileSync(at, 'latin1').replaceAll("bindingip=''", "bindingip=__import__('os').environ['BIND']");
    const worn = text
      .replaceAll('friendly-scanner', 'Acme 1.0')
      .replaceAll("fromname='sipvicious'", "fromname='Alice'")
      .replaceAll('"sipvicious"', '"Alice"')
      .replaceAll('algorithm = auth["algorithm"]', 'algorithm = "md5"');
    writeFileSync(at, face === 'disguised' ? worn : text, 'latin1');
  }
}

function sippFlood({ work, seconds }: AttackOptions, name: string, method: string, more: readonly string[] = [], line?: string): Attack {
  return {
    name,
    async run() {
      const file = join(work, `${name.replace(/\W/g, '-')}.xml`);
      const message = [
        line ?? `${method} sip:100@[remote_ip] SIP/2.0`,
        'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport',
        'From: <sip:[call_number]@[local_ip]>;tag=[pid]-[call_number]',
        'To: <sip:100@[remote_ip]>',
        'Call-ID: [call_id]',
        `CSeq: 1 ${method}`,
        'Contact: <sip:x@[local_ip]:[local_port]>',
        'Max-Forwards: 70',
        ...more,
        'Content-Length: 0',
      ];
      writeFileSync(
        file,
        `<?xml version="1.0"?><scenario name="flood"><send><![CDATA[\n\n${message.join('\n')}\n\n]]></send></scenario>\n`,
      );
      const flags = [
        '-sf',
        file,
        `${BOT}:5060`,
        '-i',
        nextAddress(),
        '-p',
        '5070',
        '-r',
        '30000',
        '-rp',
        '1000',
        '-l',
        '1000000',
        '-nostdin',
      ];
      const said = await tool('sipp', [...flags, '-timeout', `${seconds}s`], { cwd: work, limitMs: (seconds + 5) * 1000 });
      const thrown = [...said.matchAll(/Total-time\D+[\d.]+ s?\s+(\d+)|Outgoing calls? created[^\d]+(\d+)[^\d]+(\d+)/gi)].at(-1);
      return { said: '', ...(thrown === undefined ? {} : { thrown: Number(thrown[3] ?? thrown[1]) }) };
    },
    wrong: (_said, before, after) => (after.guard.banned > before.guard.banned ? undefined : 'the flood was not banned'),
  };
}

function own({ seconds }: AttackOptions, name: string, kind: FloodKind, perS: number, port: () => number): Attack {
  return {
    name,
    async run() {
      const child = start('flood.ts', 'attacker');
      await heard(child);
      const thrown = await ask<number>(child, { kind, perS, port: port(), seconds } satisfies FloodStart);
      return { thrown };
    },
  };
}

const scan = ['-m', 'OPTIONS'];
const enumerate = ['-e', '6990-7200', '-m', 'INVITE', '--force'];
const crack = ['-u', USER, '-d', 'dictionary', '-m', 'OPTIONS'];
const foundBot = (said: string): string | undefined => (said.includes(`${BOT}:5060`) ? 'svmap found the bot' : undefined);
const foundUser = (said: string): string | undefined => (/^\| 7001 /m.test(said) ? 'svwar found the extension' : undefined);
const foundPassword = (said: string): string | undefined => (said.includes(PASSWORD) ? 'svcrack found the password' : undefined);
const notBanned = (before: BotReport, after: BotReport, why: BanReason): string | undefined =>
  after.guard.bans[why] > before.guard.bans[why] ? undefined : `nobody was banned for ${why}`;

/** All of them, in the order of the table. */
export function attacks(o: AttackOptions): readonly Attack[] {
  copyVicious(o.work, 'plain');
  copyVicious(o.work, 'disguised');
  writeFileSync(join(o.work, 'dictionary'), Array.from({ length: 200 }, (_, i) => `pw${7000 + i}`).join('\n'));
  return [
    { name: 'nothing', run: () => sleep(o.seconds * 1000).then(() => ({})) },
    {
      name: 'svmap',
      run: () => vicious(o, 'plain', 'svmap', scan),
      wrong: (said, before, after) => foundBot(said) ?? notBanned(before, after, 'scanner'),
    },
    {
      name: 'svwar',
      run: () => vicious(o, 'plain', 'svwar', enumerate),
      wrong: (said, before, after) => foundUser(said) ?? notBanned(before, after, 'scanner'),
    },
    {
      name: 'svcrack',
      run: () => vicious(o, 'plain', 'svcrack', crack),
      wrong: (said, before, after) => foundPassword(said) ?? notBanned(before, after, 'scanner'),
    },
    { name: 'svmap, disguised', run: () => vicious(o, 'disguised', 'svmap', scan) },
    { name: 'svwar, disguised', run: () => vicious(o, 'disguised', 'svwar', enumerate), wrong: foundUser },
    {
      name: 'svcrack, disguised',
      run: () => vicious(o, 'disguised', 'svcrack', crack),
      wrong: (said, before, after) => foundPassword(said) ?? notBanned(before, after, 'authentication'),
    },
    sippFlood(o, 'SIPp INVITE', 'INVITE'),
    sippFlood(o, 'SIPp REGISTER', 'REGISTER'),
    sippFlood(o, 'SIPp OPTIONS', 'OPTIONS'),
    sippFlood(o, 'SIPp malformed', 'INVITE', ['From: "broken'], 'INVITE <sip:100@> SIP/2.0'),
    own(o, 'SIP of 1000 sources', 'many-sources', 20_000, () => 5060),
    own(o, 'slow-loris TCP', 'slow-loris', 0, () => 5060),
    own(o, 'RTP at a call', 'rtp', 30_000, o.rtpPort),
    own(o, 'RTP at a closed port', 'rtp', 30_000, () => 19_998),
    own(o, 'tiny and giant packets', 'odd-sizes', 20_000, o.rtpPort),
    own(o, 'lies in RTCP', 'rtcp-lies', 20_000, o.rtpPort),
  ];
}
