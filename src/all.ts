/** Every public entry in one program: what is built is this, once, and each entry is a door into it. So `sipbot` and `sipbot/testing`, imported or required, speak of the same classes. */
export * as bot from './bot.js';
export * as cli from './cli.js';
export * as codec from './codec.js';
export * as index from './index.js';
export * as rtp from './rtp.js';
export * as session from './session.js';
export * as sip from './sip.js';
export * as testing from './testing.js';
