/** Which RTCP and which SRTP the streams of this process use. */
import { RtcpSession } from './rtcp-session.js';
import { SrtpContext } from './srtp/context.js';
import type { StreamRooms } from './stream.js';

export const streamRooms: StreamRooms = {
  srtp: (keys) => new SrtpContext(keys),
  rtcp: (options) => new RtcpSession(options),
};
