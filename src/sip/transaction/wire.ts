/** What the transaction layer must know of the way a message takes: a flow of sip/transport, or an array in a test. */

export interface Wire {
  readonly reliable: boolean;
  readonly isOpen: boolean;
  /** Never throws; a failure comes back as `TransactionLayer.onWireFailed`, not from within. */
  send(bytes: Uint8Array): void;
}
