/** Records the traces of `recorded/` anew from real peers: `npx tsx scripts/record-traces.ts [name …]`. The peers are those of the interop suite. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Recording } from '../test/traces/recording.js';
import './traces/to-asterisk.js';
import './traces/from-asterisk.js';
import './traces/kamailio.js';
import './traces/baresip.js';
import './traces/sipp.js';
import './traces/transports.js';
import './traces/nat.js';
import { end, scenes, versions } from './traces/stage.js';

const folder = fileURLToPath(new URL('../test/traces/recorded/', import.meta.url));
const wanted = process.argv.slice(2);
let failed = 0;
for (const { name, shows, peer, bot, media, play } of scenes) {
  if (wanted.length > 0 && !wanted.some((one) => name.includes(one))) continue;
  const recording = new Recording({ ...bot(), threads: 0 }, media);
  try {
    await play(recording);
    recording.do('stop');
    await recording.actor.idle();
    const version = versions[peer] ?? '';
    const date = new Date().toISOString().slice(0, 10);
    writeFileSync(join(folder, `${name}.trace`), recording.write(shows, `${`${peer} ${version}`.trim()}, recorded ${date}`));
    const pcap = recording.pcap();
    if (pcap !== undefined) writeFileSync(join(folder, `${name}.pcap`), pcap);
    console.log(`ok      ${name}: ${recording.story.length} events`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}: ${(error as Error).message}`);
    await recording.bot.stop();
  }
}
await end();
console.log(`${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
