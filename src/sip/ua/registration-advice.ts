/** What an answer to REGISTER means: whether asking again can help, and what a person should look at (RFC 3261 §21). */

/** Of the 4xx, 5xx and 6xx, those that pass by themselves. Of the rest the same question gets the same answer. */
const PASSING: ReadonlySet<number> = new Set([0, 408, 423, 429, 430, 439, 480, 491, 500, 502, 503, 504, 600, 603]);

export function isRefusal(status: number): boolean {
  return status >= 300 && !PASSING.has(status);
}

export function adviceFor(status: number, user: string): string {
  switch (status) {
    case 0:
      return 'Nobody answered: check the registrar, its port and transport, and the firewall between';
    case 401:
    case 407:
      return `Check the user name and password of ${user}, and the realm if one is given`;
    case 403:
      return `${user} may not register here: check the password, whether the account is enabled, and how many contacts it may have`;
    case 404:
    case 604:
      return `The registrar does not know ${user}: check the uri`;
    case 301:
    case 302:
    case 305:
      return 'The registrar says to register elsewhere: set the registrar option to what it names';
    case 405:
    case 501:
      return 'This server takes no registrations: check the registrar option';
    case 421:
    case 439:
      return 'The server wants outbound (RFC 5626) the whole way: set an outbound proxy that speaks it';
    case 423:
      return 'The server wants a longer expiry than can be given';
    case 503:
      return 'The server cannot be reached or is overloaded; it is tried again';
    default:
      return status >= 500
        ? 'The server has trouble of its own; it is tried again'
        : 'The server does not take the REGISTER as it is; a trace shows why';
  }
}
