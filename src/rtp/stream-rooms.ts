/** Which RTCP and which SRTP the streams of this process use. */
import type { StreamRooms } from './stream.js';

export const streamRooms: StreamRooms = {};
