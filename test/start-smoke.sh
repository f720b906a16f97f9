#!/usr/bin/env bash
# The README's first command as a user types it: `npm start` must serve the samples on the default ports, answer the
# README's curl, and end cleanly on SIGTERM. Refuses to run when the ports are taken.
set -euo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp)
npm start >"$log" 2>&1 &
starter=$!
stop() {
  # npm does not hand signals on to the server reliably: find the server under it.
  pkill -TERM -P "$starter" 2>/dev/null || true
  for child in $(pgrep -P "$starter" || true); do pkill -TERM -P "$child" 2>/dev/null || true; done
}
trap 'stop; rm -f "$log"' EXIT

for _ in $(seq 1 240); do
  if curl -sf http://127.0.0.1:8000/v2/health/ready >/dev/null; then ready=1; break; fi
  if ! kill -0 "$starter" 2>/dev/null; then break; fi
  sleep 0.5
done
if [ -z "${ready:-}" ]; then
  echo "npm start did not become ready:"
  cat "$log"
  exit 1
fi

for text in "digits" "READY" ":8000" ":8001" ":8002"; do
  grep -q -- "$text" "$log" || { echo "npm start did not print '$text'"; cat "$log"; exit 1; }
done
node tools/check-readme.mjs
echo "npm start serves, and the README's examples give what the README shows"
