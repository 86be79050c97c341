/** Everything that is fuzzed, by name. */
import { agent } from './agent-target.js';
import { dtmf, rtcp, srtp, stream } from './media-targets.js';
import { framer, message, sdp, stun } from './signalling-targets.js';
import type { Target } from './target.js';

export const targets: readonly Target[] = [message, framer, sdp, stun, stream, rtcp, srtp, dtmf, agent];
