/** `sipbot/testing`: what our own tests stand on, shipped so that yours can. */
export {
  type ConversationReport,
  type ConversationResult,
  conversationTable,
  type Share,
  type Spread,
} from './testing/conversation-report.js';
export { type CallerScript, type ConverseOptions, converse } from './testing/converse.js';
export { Heard } from './testing/heard.js';
export { heldSpeech } from './testing/held-speech.js';
export { LocalRegistrar, type LocalRegistrarOptions } from './testing/local-registrar.js';
export { ManualClock } from './testing/manual-clock.js';
export { type Impairment, MemoryNetwork, type MemoryNetworkOptions, type MemoryNetworkStats } from './testing/memory-network.js';
export { type NoiseKind, noise } from './testing/noises.js';
export { realClock } from './testing/real-clock.js';
export { SeededRandom } from './testing/seeded-random.js';
export { type Deed, SimulatedCaller } from './testing/simulated-caller.js';
export { TestCall, TestCaller, type TestCallerOptions, type TestClock, type TestDialOptions } from './testing/test-caller.js';
export { TestSpeech } from './testing/test-speech.js';
export { WireTrack } from './testing/wire-track.js';
