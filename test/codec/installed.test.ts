import { expect, test } from 'vitest';
import { installedFile } from '../../src/codec/installed.js';

test('a file of a package is found; one that is not there is said, with how to get it', () => {
  expect(installedFile('eventemitter3', 'ERR_AUDIO', 'eventemitter3')).toMatch(/node_modules.eventemitter3./);
  expect(() => installedFile('not-there/it.wasm', 'ERR_AUDIO', 'not-there')).toThrow(
    expect.objectContaining({ code: 'ERR_AUDIO', message: 'not-there/it.wasm is not installed: npm install not-there' }),
  );
});
