/** The plug-in: what an application's bot is told of its call. Every method is optional; one that throws ends that call alone. */
import type { AudioFrame } from './audio.js';
import type { Call, CallEnd, DtmfDigit } from './call.js';
import type { AudioOptions } from './options.js';

export interface Bot {
  /** What it would hear and write, where the call has not been told otherwise. */
  readonly audio?: AudioOptions;
  /** Answered: audio flows. */
  onStart?(call: Call): void | Promise<void>;
  /** True: `onAudio` gets the shared memory, for reading and for its turn only, instead of a copy of its own. @default false */
  readonly borrowsAudio?: boolean;
  /** Each frame of what the caller says. */
  onAudio?(frame: AudioFrame, call: Call): void;
  onDtmf?(digit: DtmfDigit, call: Call): void;
  /** The last thing it hears. */
  onEnd?(end: CallEnd, call: Call): void | Promise<void>;
}
