/** What every machine of this room may ask besides its own effects: a named timer, at an absolute monotonic time, and no longer. */

export interface Arm<Name extends string> {
  readonly type: 'arm';
  readonly timer: Name;
  readonly at: number;
}

export interface Disarm<Name extends string> {
  readonly type: 'disarm';
  readonly timer: Name;
}

export type TimerEffect<Name extends string> = Arm<Name> | Disarm<Name>;

export const arm = <Name extends string>(timer: Name, at: number): Arm<Name> => ({ type: 'arm', timer, at });
export const disarm = <Name extends string>(timer: Name): Disarm<Name> => ({ type: 'disarm', timer });
