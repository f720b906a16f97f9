#!/usr/bin/env bash
# The README's first command as a user types it: `npm start` must serve the samples on the default ports, answer the
# README's curl, and end cleanly on SIGTERM. Refuses to run when the ports are taken.
set -euo pipefail
cd "$(dirname "$0")/.."

if curl -s -o /dev/null http://127.0.0.1:8000/; then
  echo "Port 8000 is taken: another server would answer in place of the one that is tested"
  exit 1
fi

log=$(mktemp)
npm start >"$log" 2>&1 &
starter=$!

# All processes below the given one: npm puts a shell between itself and the server.
descendants() {
  local child
  for child in $(pgrep -P "$1" || true); do
    echo "$child"
    descendants "$child"
  done
}
finish() {
  local process
  for process in $(descendants "$starter") "$starter"; do kill -KILL "$process" 2>/dev/null || true; done
  rm -f "$log"
  # What the README's second example leaves when it fails.
  rm -rf model_repository/mine
}
trap finish EXIT

fail() {
  echo "$1"
  cat "$log"
  exit 1
}

ready=
for _ in $(seq 1 240); do
  if curl -sf http://127.0.0.1:8000/v2/health/ready >/dev/null; then ready=1; break; fi
  kill -0 "$starter" 2>/dev/null || break
  sleep 0.5
done
[ -n "$ready" ] || fail "npm start did not become ready:"

# The tables come right after the ports have opened.
for _ in $(seq 1 20); do
  if grep -q ":8002" "$log"; then break; fi
  sleep 0.25
done
for text in "digits" "READY" ":8000" ":8001" ":8002"; do
  grep -q -- "$text" "$log" || fail "npm start did not print '$text'"
done
node tools/check-readme.mjs

server=
for process in $(descendants "$starter"); do
  if tr '\0' ' ' <"/proc/$process/cmdline" | grep -q '^node dist/server/main.js'; then server=$process; fi
done
[ -n "$server" ] || fail "the server's process was not found below npm"
kill -TERM "$server"
wait "$starter" || fail "npm start ended with $? after SIGTERM"
echo "npm start serves, the README's examples give what the README shows, and SIGTERM ends it cleanly"
