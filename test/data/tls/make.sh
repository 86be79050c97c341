#!/usr/bin/env bash
# Makes the certificates beside it: an authority, servers it vouches for, one that expired in 2021, a client, and a stranger nobody vouches for.
set -euo pipefail
cd "$(dirname "$0")"
far=20991231235959Z
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj '/CN=sipbot test authority' -days 27000 2>/dev/null
state=$(mktemp -d); touch "$state/index"; echo 01 > "$state/serial"
cat > "$state/ca.cnf" <<CNF
[ca]
default_ca = it
[it]
database = $state/index
serial = $state/serial
new_certs_dir = $state
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
CNF
issue() { # name CN SAN start end
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$state/$1.csr" -subj "/CN=$2" 2>/dev/null
  printf 'basicConstraints=CA:FALSE\n' > "$state/$1.ext"
  [ -z "$3" ] || printf 'subjectAltName=%s\n' "$3" >> "$state/$1.ext"
  openssl ca -batch -notext -config "$state/ca.cnf" -cert ca.pem -keyfile ca.key -in "$state/$1.csr" -out "$1.pem" -startdate "$4" -enddate "$5" -extfile "$state/$1.ext" 2>/dev/null
}
issue server  sip.example.com 'DNS:sip.example.com,IP:127.0.0.1,IP:::1' 20200101000000Z $far
issue domain  edge7.example.com 'URI:sip:example.com,DNS:edge7.example.com' 20200101000000Z $far
issue wildcard example.com 'DNS:*.example.com' 20200101000000Z $far
issue expired sip.example.com 'DNS:sip.example.com' 20200101000000Z 20210101000000Z
issue client  peer.example.org 'DNS:peer.example.org' 20200101000000Z $far
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout stranger.key -out stranger.pem -subj '/CN=sip.example.com' -addext 'subjectAltName=DNS:sip.example.com' -days 27000 2>/dev/null
rm -rf "$state" ca.key
