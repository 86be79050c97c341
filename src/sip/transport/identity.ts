/** Whom a certificate speaks for (RFC 5922 §7.1), and whether that is who we meant (§7.2, §7.3). */
import { isIP, isSameAddress, withoutBrackets } from './ip.js';

/** What `tls.getPeerCertificate()` says, as far as it matters here. */
export interface CertificateNames {
  /** `DNS:a.example, URI:sip:example.com, IP Address:192.0.2.1`; values that could deceive come in JSON quotes. */
  readonly subjectaltname?: string | undefined;
  readonly subject?: { readonly CN?: string | readonly string[] } | undefined;
}

/** The SIP domain identities: `sip:` URIs without a user; else the DNS names; the CN only where there is no subjectAltName at all. */
export function sipIdentities(certificate: CertificateNames): string[] {
  const names = certificate.subjectaltname === undefined ? [] : splitNames(certificate.subjectaltname);
  if (names.length === 0) {
    const common = certificate.subject?.CN;
    return common === undefined ? [] : typeof common === 'string' ? [common] : [...common];
  }
  const domains = names.flatMap(({ type, value }) => (type === 'URI' ? (/^sip:([^@;?]+)$/i.exec(value)?.slice(1, 2) ?? []) : []));
  return domains.length > 0 ? domains : names.flatMap(({ type, value }) => (type === 'DNS' ? [value] : []));
}

/** undefined when the certificate speaks for `host`; else why it does not. */
export function checkIdentity(host: string, certificate: CertificateNames, wildcards: 'exact' | 'one-label'): string | undefined {
  const wanted = withoutBrackets(host).toLowerCase().replace(/\.$/, '');
  // Deviation: RFC 5922 knows no addresses; a peer configured by address is matched with an iPAddress name, as RFC 6125 does.
  if (isIP(wanted) !== 0) {
    const names = certificate.subjectaltname === undefined ? [] : splitNames(certificate.subjectaltname);
    if (names.some(({ type, value }) => type === 'IP Address' && isSameAddress(value, wanted))) return undefined;
    // Many PBXs put the address where a name belongs.
    if (sipIdentities(certificate).some((name) => name === wanted)) return undefined;
    return `certificate names no address ${wanted}`;
  }
  const identities = sipIdentities(certificate);
  if (identities.some((name) => isMatch(name.toLowerCase().replace(/\.$/, ''), wanted, wildcards))) return undefined;
  const found = identities.slice(0, 4).join(', ') || 'nobody';
  const hint = wildcards === 'exact' && identities.some((name) => name.startsWith('*.')) ? ' (wildcards are off: tls.allowWildcard)' : '';
  return `certificate is for ${found}, not for ${wanted}${hint}`;
}

function isMatch(name: string, wanted: string, wildcards: 'exact' | 'one-label'): boolean {
  if (name === wanted) return true;
  if (wildcards === 'exact' || !name.startsWith('*.')) return false;
  const dot = wanted.indexOf('.');
  // One label, and never a whole top-level domain.
  return dot > 0 && wanted.slice(dot) === name.slice(1) && name.indexOf('.', 2) !== -1;
}

function splitNames(text: string): { type: string; value: string }[] {
  const names: { type: string; value: string }[] = [];
  const pattern = /(?:^|, )([A-Za-z ]{1,20}):("(?:[^"\\]|\\.){0,1000}"|[^",]{0,1000})/g;
  for (const match of text.slice(0, 65_536).matchAll(pattern)) {
    const [, type = '', raw = ''] = match;
    names.push({ type, value: raw.startsWith('"') ? unquote(raw) : raw });
    if (names.length === 256) break;
  }
  return names;
}

function unquote(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return '';
  }
}
