import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { afterEach, expect, test, vi } from 'vitest';
import { AddressWatch } from '../../src/bot/address-watch.js';
import { ManualClock } from '../../src/testing/manual-clock.js';

vi.mock('node:os', async (original) => ({ ...(await original<typeof import('node:os')>()), networkInterfaces: vi.fn() }));

const card = (address: string, internal = false): NetworkInterfaceInfo => ({
  ...{ family: 'IPv4', netmask: '255.255.255.0', mac: '00:00:00:00:00:00', cidr: null },
  address,
  internal,
});

const machine = (...addresses: string[]): void =>
  void vi.mocked(networkInterfaces).mockReturnValue({ lo: [card('127.0.0.1', true)], eth0: addresses.map((address) => card(address)) });

const outOfDescriptors = (): void =>
  void vi.mocked(networkInterfaces).mockImplementation(() => {
    throw Object.assign(new Error('uv_interface_addresses returned Unknown system error 24'), { code: 'ERR_SYSTEM_ERROR' });
  });

function watching() {
  const clock = new ManualClock();
  const told: string[][] = [];
  const watch = new AddressWatch(clock, (present) => told.push([...present]));
  watch.start();
  stop = () => watch.stop();
  return { told, look: () => clock.advance(5000) };
}

let stop = (): void => {};
afterEach(() => stop());

test('another address is told once, and the time without any is not', () => {
  machine('192.0.2.1');
  const { told, look } = watching();
  look();
  machine();
  look();
  machine('192.0.2.1');
  look();
  expect(told).toEqual([]);
  machine('192.0.2.1', '198.51.100.7');
  look();
  look();
  expect(told).toEqual([['192.0.2.1', '198.51.100.7']]);
});

test('a system that cannot say, for want of a descriptor, is asked again', () => {
  machine('192.0.2.1');
  const { told, look } = watching();
  outOfDescriptors();
  look();
  look();
  machine('192.0.2.2');
  look();
  expect(told).toEqual([['192.0.2.2']]);
});

test('nor does it keep a bot from beginning', () => {
  outOfDescriptors();
  const { told, look } = watching();
  machine('192.0.2.1');
  look();
  expect(told).toEqual([['192.0.2.1']]);
});
