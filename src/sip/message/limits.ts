/** How large a message may be. RFC 3261 sets no limits; a server that has none falls to the first long line. */

export interface ParseLimits {
  /** Start line and headers, bytes. @default 65536 */
  readonly headBytes?: number;
  /** Header lines. @default 512 */
  readonly headers?: number;
  /** Body, bytes. @default 1048576 */
  readonly bodyBytes?: number;
}

export const defaultLimits = { headBytes: 65_536, headers: 512, bodyBytes: 1_048_576 } satisfies Required<ParseLimits>;

export type Limits = Required<ParseLimits>;

export const resolveLimits = (limits: ParseLimits | undefined): Limits =>
  limits === undefined ? defaultLimits : { ...defaultLimits, ...limits };
