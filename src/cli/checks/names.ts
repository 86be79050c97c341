/** Where the DNS says that a domain takes calls (RFC 3263): what there is, and in which order we would try. */
import { isIP, withoutBrackets } from '../../sip/transport/ip.js';
import { parseServer, TargetResolver } from '../../sip/transport/resolve.js';
import { type Resolver, systemResolver } from '../../sip/transport/resolver.js';
import { type Finding, note, ok, skipped, wrong } from './finding.js';

const SERVICES = ['_sip._udp', '_sip._tcp', '_sips._tcp'] as const;

export async function namesOf(domain: string | undefined, resolver: Resolver = systemResolver): Promise<Finding[]> {
  if (domain === undefined || domain === '') return [skipped('DNS', 'name a domain, or an account')];
  const server = parseServer(domain)?.uri;
  if (server === undefined) return [wrong(`'${domain}' is no host`, 'a domain, host:port or a SIP URI')];
  if (isIP(withoutBrackets(server.host)) !== 0) return [ok(`${domain} is an address: no DNS is needed`)];
  try {
    const [naptr, services] = await Promise.all([
      resolver.naptr(server.host),
      Promise.all(SERVICES.map(async (service) => ({ service, records: await resolver.srv(`${service}.${server.host}`) }))),
    ]);
    const found = services.filter(({ records }) => records.length > 0);
    const findings: Finding[] = [
      naptr.length > 0 ? ok(`${naptr.length} NAPTR records of ${server.host}`) : note(`no NAPTR records of ${server.host}: most have none`),
      found.length > 0
        ? ok(
            `SRV: ${found.map(({ service, records }) => `${service} (${records.map(({ name, port }) => `${name}:${port}`).join(', ')})`).join(', ')}`,
          )
        : note(`no SRV records of ${server.host}: its address is used, on the default port`),
    ];
    const targets = await new TargetResolver({ resolver }).resolve(server);
    findings.push(
      targets.length > 0
        ? ok(
            `we would try: ${targets
              .slice(0, 6)
              .map(({ transport, address, port }) => `${transport} ${address}:${port}`)
              .join(', ')}`,
          )
        : wrong(`${server.host} leads nowhere`, 'the name is wrong, or its DNS has neither SRV nor address records'),
    );
    return findings;
  } catch (error) {
    return [wrong(`the DNS does not answer for ${server.host}: ${(error as Error).message}`, "check this machine's name servers")];
  }
}
