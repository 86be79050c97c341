/** `npm run audit`: known vulnerabilities of what is installed with sipbot. Fails when there are any; a registry that does not answer is said and no failure. */
import { spawnSync } from 'node:child_process';

interface Answer {
  readonly message?: string;
  readonly metadata?: { readonly vulnerabilities: Readonly<Record<string, number>> };
}

const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json', '--fetch-retries=0', '--fetch-timeout=30000'], { encoding: 'utf8' });
const { message, metadata } = answerIn(stdout);
if (metadata === undefined) console.log(`audit: the registry did not answer (${message ?? 'nothing readable'}); nothing is known`);
else {
  const { total = 0, ...bySeverity } = metadata.vulnerabilities;
  console.log(total === 0 ? 'audit: no known vulnerability' : `audit: ${JSON.stringify(bySeverity)}\n${stdout}`);
  process.exitCode = total === 0 ? 0 : 1;
}

function answerIn(text: string): Answer {
  try {
    return JSON.parse(text) as Answer;
  } catch {
    return {};
  }
}
