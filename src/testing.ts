/** `sipbot/testing`: what our own tests stand on, shipped so that yours can. */
export { Heard } from './testing/heard.js';
export { LocalRegistrar, type LocalRegistrarOptions } from './testing/local-registrar.js';
export { ManualClock } from './testing/manual-clock.js';
export { type Impairment, MemoryNetwork, type MemoryNetworkOptions, type MemoryNetworkStats } from './testing/memory-network.js';
export { SeededRandom } from './testing/seeded-random.js';
export { TestCall, TestCaller, type TestCallerOptions, type TestClock, type TestDialOptions } from './testing/test-caller.js';
export { TestSpeech } from './testing/test-speech.js';
