#!/usr/bin/env bash
# Installs the peers on Debian or Ubuntu: the distribution's own, and Asterisk 22 and SIPp 3.8 unpacked from a newer suite into a cache
# folder beside the system (nothing of theirs is installed on the host). Safe to run again: what is there is kept.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${SIPBOT_INTEROP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sipbot-interop}
mkdir -p "$cache"
exec 9>"$cache/.lock"
flock 9 # another run on this machine may be at it

packages=(sip-tester sipsak sipvicious baresip-core kamailio kamailio-tls-modules kamailio-websocket-modules rtpengine-daemon sox iproute2 nftables conntrack openssl)
if [ "${SIPBOT_PEERS:-}" = attack ]; then packages=(sip-tester sipvicious); fi
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ]; then sudo=(); else sudo=(sudo -n); fi
  "${sudo[@]}" apt-get -qq update
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
fi

if [ "${SIPBOT_PEERS:-}" = attack ]; then exit 0; fi
if [ ! -x "$cache/asterisk/usr/sbin/asterisk" ]; then
  for suite in forky sid; do
    rm -rf "$cache/asterisk"
    if "$here/debroot.sh" "$suite" "$cache/asterisk" asterisk asterisk-core-sounds-en-gsm; then break; fi
  done
fi
if [ ! -x "$cache/sipp/usr/bin/sipp" ]; then
  rm -rf "$cache/sipp"
  "$here/debroot.sh" forky "$cache/sipp" sip-tester
fi
echo "peers ready: asterisk and sipp 3.8 in $cache; $(sipp -v 2>/dev/null | grep -o 'SIPp v[0-9.]*' | head -1), $(kamailio -v 2>/dev/null | head -1 | cut -d' ' -f2-3), baresip $(dpkg-query -W -f='${Version}' baresip-core)"
