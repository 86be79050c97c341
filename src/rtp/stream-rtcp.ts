/** The RTCP of one stream: which socket it goes through (RFC 5761), where the peer's comes from, and when ours is due (RFC 3550 §6). */
import type { Clock } from '../clock.js';
import type { DatagramSocket } from '../network.js';
import type { StreamParameters } from './stream-parameters.js';
import type { StreamTally } from './stream-report.js';
import type { LocalView, RtcpSession, SrtpContext } from './stream-seams.js';

const LARGEST_BYTES = 2048;
/** One for all streams of a thread: what is written is sent at once. */
const packet = Buffer.alloc(LARGEST_BYTES);

export interface StreamRtcpOptions {
  readonly clock: Clock;
  /** Where RTP goes and comes, and with it RTCP when they are multiplexed. */
  readonly socket: DatagramSocket;
  /** Binds the odd port. */
  readonly open: () => Promise<DatagramSocket>;
  readonly tally: StreamTally;
  /** Where the peer's RTP comes from. */
  readonly peer: () => { readonly address: string | undefined; readonly port: number };
  readonly onAlive: (now: number) => void;
  readonly onBye: () => void;
  readonly onUnavailable: () => void;
}

export class StreamRtcp {
  session: RtcpSession | undefined;
  protect: SrtpContext | undefined;
  unprotect: SrtpContext | undefined;
  /** Packets of somebody else. */
  foreign = 0;
  readonly #options: StreamRtcpOptions;
  #parameters: StreamParameters | undefined;
  /** The odd port's. */
  #socket: DatagramSocket | undefined;
  #isOpening = false;
  #needsSocket = false;
  #closed = false;
  /** Where the peer's RTCP really comes from, once it came. */
  #address: string | undefined;
  #port = 0;

  constructor(options: StreamRtcpOptions) {
    this.#options = options;
  }

  use(parameters: StreamParameters): void {
    const before = this.#parameters?.remote;
    const { remote } = parameters;
    if (remote?.address !== before?.address || remote?.rtcpPort !== before?.rtcpPort) this.#address = undefined;
    this.#parameters = parameters;
    this.#needsSocket = parameters.rtcpMux !== true && this.#socket === undefined && !this.#isOpening;
  }

  /** What is due is sent. The odd port is bound here too: no report comes sooner, and a call that has no turn is spared it. */
  onTurn(now: number, local: LocalView): void {
    if (this.#needsSocket) this.#open();
    const { session } = this;
    if (session !== undefined && session.due <= now) this.#send(session.write(packet, now, this.#options.clock.wall(), local));
  }

  /** §6.6: at once, not when it would be due. */
  bye(now: number): void {
    if (this.session !== undefined) this.#send(this.session.bye(packet, now, this.#options.clock.wall()));
  }

  close(): void {
    this.#closed = true;
    this.#socket?.close();
  }

  readonly onPacket = (bytes: Uint8Array, address: string, port: number): void => {
    const { clock, tally, peer, onAlive, onBye } = this.#options;
    const cipher = this.unprotect;
    let length = bytes.length;
    if (cipher !== undefined) {
      length = cipher.unprotectRtcp(bytes, length);
      if (length < 0) {
        tally.unauthenticated++;
        return;
      }
    }
    if (this.session === undefined || this.#parameters === undefined) return;
    // The peer's, when it comes from where its audio comes from or when only the peer can have made it. Reports go back there.
    if (cipher === undefined && address !== peer().address) {
      this.foreign++;
      return;
    }
    const now = clock.now();
    const outcome = this.session.onPacket(bytes, length, now);
    if (outcome === 'invalid') {
      tally.rtcpInvalid++;
      return;
    }
    tally.rtcpReceived++;
    this.#address = address;
    this.#port = port;
    onAlive(now);
    if (outcome === 'bye') onBye();
  };

  #open(): void {
    this.#isOpening = true;
    this.#needsSocket = false;
    this.#options.open().then(
      (socket) => {
        this.#isOpening = false;
        if (this.#closed) {
          socket.close();
          return;
        }
        this.#socket = socket;
        socket.onMessage = this.onPacket;
        socket.onError = this.#onRefused;
      },
      () => {
        // The pair is ours, so somebody else sits on the odd port. The call goes on without reports; another configure tries again.
        this.#isOpening = false;
        if (!this.#closed) this.#options.onUnavailable();
      },
    );
  }

  readonly #onRefused = (): void => {
    this.#options.tally.refused++;
  };

  #send(length: number): void {
    if (length <= 0 || this.#parameters === undefined) return;
    const { rtcpMux, remote } = this.#parameters;
    const isMuxed = rtcpMux === true;
    const peer = this.#options.peer();
    const address = isMuxed ? peer.address : (this.#address ?? peer.address);
    const port = isMuxed ? peer.port : this.#address === undefined ? (remote?.rtcpPort ?? 0) : this.#port;
    const socket = isMuxed ? this.#options.socket : this.#socket;
    if (address === undefined || port === 0 || socket === undefined) return;
    if (this.protect !== undefined) length = this.protect.protectRtcp(packet, length);
    if (length < 0) return;
    socket.send(packet, 0, length, port, address);
    this.#options.tally.rtcpSent++;
  }
}
