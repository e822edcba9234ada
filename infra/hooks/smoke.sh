#!/bin/sh
# Is the app up, and content with its settings? Waits for a cold start, at most GREENLIGHT_PATIENCE tries.
set -eu
: "${baseUrl:?address of Greenlight, an output of main.bicep}"

attempt=1
until answer=$(curl --silent --show-error --fail --max-time 30 "$baseUrl/healthz" 2>&1); do
  attempt=$((attempt + 1))
  if [ "$attempt" -gt "${GREENLIGHT_PATIENCE:-20}" ]; then
    echo "smoke: $baseUrl/healthz does not answer well: $answer" >&2
    exit 1
  fi
  sleep "${GREENLIGHT_PAUSE:-6}"
done
case $answer in
  *'"status": "ok"'*) echo "smoke: $baseUrl is up: $answer" ;;
  *)
    echo "smoke: $baseUrl is up, and leaves something out: $answer" >&2
    echo "smoke: sign in as an operator and open $baseUrl/healthz, or read the app's log" >&2
    exit 1
    ;;
esac
