/**
 * Where the large providers' calls come from: the signalling addresses that they publish, gathered in November 2026.
 * They change: a provider's own page is the truth, and `sources` takes CIDRs beside a preset.
 */
const PRESETS: Readonly<Record<string, readonly string[]>> = {
  twilio: [
    '54.172.60.0/30',
    '54.244.51.0/30',
    '54.171.127.192/30',
    '35.156.191.128/30',
    '54.65.63.192/30',
    '54.169.127.128/30',
    '54.252.254.64/30',
    '177.71.206.192/30',
  ],
  telnyx: [
    '192.76.120.10',
    '64.16.250.10',
    '5.172.39.10',
    '5.172.39.25',
    '193.108.220.10',
    '193.108.220.25',
    '103.135.104.10',
    '103.135.104.25',
  ],
  voxbone: ['81.201.82.45', '81.201.83.45', '81.201.84.45', '81.201.85.45', '81.201.86.45', '185.47.148.45'],
  simwood: ['178.22.139.77', '185.63.140.77', '185.63.142.77', '172.86.225.77', '172.86.225.88'],
};

export const trunkPresetNames: readonly string[] = Object.keys(PRESETS);

/** undefined: no preset of that name. */
export function networksOfPreset(name: string): readonly string[] | undefined {
  return Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined;
}
