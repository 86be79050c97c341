/** Requests that only tools for finding and robbing telephones send. They get no answer: an answer is what they look for. */
import type { SipRequest } from '../../message/message.js';

const TOOLS =
  /friendly-?scanner|sip-?vicious|sundayddr|sip-?cli\b|sip-?scan|svmap|svwar|svcrack|smap\b|iwar\b|vaxsip|pplsip|sipptk|siparmyknife|eyebeam-scan|gulp\b|cisco-sip-scan|masscan|zgrab|nmap/i;

/** No number, name or extension is that long; probes for buffers are. */
const LONGEST_USER = 255;

export function isScanner(request: SipRequest): boolean {
  const product = request.header('User-Agent');
  if (product !== undefined && TOOLS.test(product.slice(0, 200))) return true;
  const { from, to, uri } = request;
  // SIPVicious and its kin sign their From even where they hide their name: "sipvicious"<sip:100@1.1.1.1>.
  if (from?.displayName !== undefined && TOOLS.test(from.displayName.slice(0, 200))) return true;
  return (
    (uri.user?.length ?? 0) > LONGEST_USER || (to?.uriText.length ?? 0) > 4 * LONGEST_USER || (from?.uriText.length ?? 0) > 4 * LONGEST_USER
  );
}
