/** The headers of the RFCs after 3261 as values, read when first asked for, as `BasicValues` reads its own. */
import { BasicValues } from './basic-values.js';
import { isToken, parseSeconds, parseToken } from './chars.js';
import { parseRAck, parseRSeq, type RAck } from './cseq.js';
import { type DialogReference, parseJoin, parseReplaces, parseTargetDialog, type Replaces } from './dialog-reference.js';
import { type Diversion, type HistoryEntry, parseDiversion, parseHistoryEntry } from './diversion.js';
import { type Event, parseEvent, parseSubscriptionState, type SubscriptionState } from './event.js';
import { type FeatureSet, parseFeatureSet } from './feature-set.js';
import { type NameAddr, parseNameAddr } from './name-addr.js';
import { parseReason, type Reason } from './reason.js';
import { parseMinSe, parseSessionExpires, type SessionExpires } from './session-expires.js';
import { parseValued } from './valued.js';

export abstract class ExtensionValues extends BasicValues {
  /** RFC 3327. */
  get paths(): readonly NameAddr[] {
    return this.many('Path', parseNameAddr);
  }

  /** RFC 3608. */
  get serviceRoutes(): readonly NameAddr[] {
    return this.many('Service-Route', parseNameAddr);
  }

  get allowEvents(): readonly string[] {
    return this.many('Allow-Events', parseToken);
  }

  /** RFC 6086. */
  get recvInfo(): readonly string[] {
    return this.many('Recv-Info', parseToken);
  }

  get infoPackage(): string | undefined {
    return this.one('Info-Package', parseValued)?.word;
  }

  /** RFC 3262. */
  get rseq(): number | undefined {
    return this.one('RSeq', parseRSeq);
  }

  get rack(): RAck | undefined {
    return this.one('RAck', parseRAck);
  }

  get sessionExpires(): SessionExpires | undefined {
    return this.one('Session-Expires', parseSessionExpires);
  }

  get minSe(): number | undefined {
    return this.one('Min-SE', parseMinSe);
  }

  /** RFC 3515. */
  get referTo(): NameAddr | undefined {
    return this.one('Refer-To', parseNameAddr);
  }

  /** RFC 3892. */
  get referredBy(): NameAddr | undefined {
    return this.one('Referred-By', parseNameAddr);
  }

  /** RFC 4488: 'false' asks for no subscription. */
  get referSub(): boolean | undefined {
    const word = this.one('Refer-Sub', parseValued)?.word.toLowerCase();
    return word === 'true' ? true : word === 'false' ? false : undefined;
  }

  get replaces(): Replaces | undefined {
    return this.one('Replaces', parseReplaces);
  }

  get join(): DialogReference | undefined {
    return this.one('Join', parseJoin);
  }

  get targetDialog(): DialogReference | undefined {
    return this.one('Target-Dialog', parseTargetDialog);
  }

  get event(): Event | undefined {
    return this.one('Event', parseEvent);
  }

  get subscriptionState(): SubscriptionState | undefined {
    return this.one('Subscription-State', parseSubscriptionState);
  }

  get reasons(): readonly Reason[] {
    return this.many('Reason', parseReason);
  }

  /** P-Asserted-Identity, RFC 3325. */
  get assertedIdentities(): readonly NameAddr[] {
    return this.many('P-Asserted-Identity', parseNameAddr);
  }

  /** P-Preferred-Identity, RFC 3325. */
  get preferredIdentities(): readonly NameAddr[] {
    return this.many('P-Preferred-Identity', parseNameAddr);
  }

  /** P-Associated-URI, RFC 7315. */
  get associatedUris(): readonly NameAddr[] {
    return this.many('P-Associated-URI', parseNameAddr);
  }

  /** P-Called-Party-ID, RFC 7315. */
  get calledPartyId(): NameAddr | undefined {
    return this.one('P-Called-Party-ID', parseNameAddr);
  }

  /** RFC 3323 §4.2: lower case; separated by semicolons, though commas are met. */
  get privacy(): readonly string[] {
    return this.whole('Privacy', (values) => values.flatMap((value) => value.toLowerCase().match(/[^;,\s]+/g) ?? []).filter(isToken));
  }

  get diversions(): readonly Diversion[] {
    return this.many('Diversion', parseDiversion);
  }

  get historyInfo(): readonly HistoryEntry[] {
    return this.many('History-Info', parseHistoryEntry);
  }

  /** RFC 5626 §4.4, seconds. */
  get flowTimer(): number | undefined {
    return this.one('Flow-Timer', parseSeconds);
  }

  /** RFC 3903. */
  get sipEtag(): string | undefined {
    return this.one('SIP-ETag', parseToken);
  }

  get sipIfMatch(): string | undefined {
    return this.one('SIP-If-Match', parseToken);
  }

  /** RFC 3841. */
  get acceptContact(): readonly FeatureSet[] {
    return this.many('Accept-Contact', parseFeatureSet);
  }

  get rejectContact(): readonly FeatureSet[] {
    return this.many('Reject-Contact', parseFeatureSet);
  }

  get requestDisposition(): readonly string[] {
    return this.many('Request-Disposition', parseToken);
  }
}
