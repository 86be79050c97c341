/** The peers themselves: before anything is said about us, they are up and agree with each other. */
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { startBaresip } from './peers/baresip.js';
import { at } from './peers/process.js';
import { sipp } from './peers/sipp.js';

const peers = inject('peers');

describe('peers', () => {
  test.skipIf(!peers.baresip || !peers.asterisk)('baresip registers with Asterisk and calls it', async () => {
    const { host, port } = peers.asterisk!;
    const phone = await startBaresip({
      host: at(31),
      port: 5070,
      folder: join(peers.work, 'baresip-smoke'),
      user: '6001',
      password: 'pw6001',
      domain: `${host}:${port}`,
    });
    try {
      await phone.registered();
      phone.command('dial', `sip:600@${host}:${port}`);
      await phone.sees('CALL_ESTABLISHED');
    } finally {
      await phone.stop();
    }
  });

  test.skipIf(!peers.sipp38)('SIPp 3.8 calls SIPp 3.6', async () => {
    const callee = sipp('3.6', join(peers.work, 'sipp-smoke'), ['-sn', 'uas', '-i', at(32), '-p', '5060', '-m', '1']);
    const caller = sipp('3.8', join(peers.work, 'sipp-smoke'), ['-sn', 'uac', `${at(32)}:5060`, '-i', at(33), '-m', '1', '-timeout', '10']);
    const [uac, uas] = await Promise.all([caller.done, callee.done]);
    expect([uac.exitCode, uas.exitCode], uac.errors + uas.errors).toEqual([0, 0]);
  });
});
