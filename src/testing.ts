/** `sipbot/testing`: what our own tests stand on, shipped so that yours can. */
export { ManualClock } from './testing/manual-clock.js';
