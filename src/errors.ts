/** Every error a user can meet. The `code` is API and stays; the message is for people. None of them ever holds a password. */

export type ErrorCode =
  | 'ERR_OPTION'
  | 'ERR_STATE'
  | 'ERR_LISTEN'
  | 'ERR_REGISTRATION'
  | 'ERR_REQUEST'
  | 'ERR_TRANSPORT'
  | 'ERR_TIMEOUT'
  | 'ERR_CALL_BLOCKED'
  | 'ERR_CALL_REJECTED'
  | 'ERR_CALL_CANCELLED'
  | 'ERR_CALL_TIMEOUT'
  | 'ERR_CALL_FAILED'
  | 'ERR_CALL_ENDED'
  | 'ERR_MEDIA'
  | 'ERR_PORTS'
  | 'ERR_AUDIO'
  | 'ERR_QUEUE_FULL'
  | 'ERR_CODEC'
  | 'ERR_SERVICE'
  | 'ERR_STOPPED';

export class SipBotError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

/** The caller's mistake, thrown at the door: names the option and what it takes. */
export class OptionError extends SipBotError {
  readonly option: string;

  constructor(option: string, expected: string, options?: ErrorOptions) {
    super('ERR_OPTION', `${option}: ${expected}`, options);
    this.option = option;
  }
}

/** An address that could not be listened on. */
export class ListenError extends SipBotError {
  readonly transport: string;
  readonly host: string;
  readonly port: number;

  constructor(transport: string, host: string, port: number, why: string, options?: ErrorOptions) {
    super('ERR_LISTEN', `cannot listen on ${transport} ${host}:${port}: ${why}`, options);
    this.transport = transport;
    this.host = host;
    this.port = port;
  }
}

/** A registrar said no, or said nothing. `status` is 0 when it did not answer. */
export class RegistrationError extends SipBotError {
  readonly status: number;
  readonly reason: string;
  readonly registrar: string;

  constructor(registrar: string, status: number, reason: string, advice: string, options?: ErrorOptions) {
    super('ERR_REGISTRATION', `${registrar} ${status ? `answered ${status} ${reason}` : reason}. ${advice}`, options);
    this.registrar = registrar;
    this.status = status;
    this.reason = reason;
  }
}

/** A call that did not come to be, or that could not do what was asked. `status` is the SIP status, 0 when there was none. */
export class CallError extends SipBotError {
  readonly status: number;
  readonly reason: string;

  constructor(code: ErrorCode, status: number, reason: string, message = status ? `${status} ${reason}` : reason, options?: ErrorOptions) {
    super(code, message, options);
    this.status = status;
    this.reason = reason;
  }
}
