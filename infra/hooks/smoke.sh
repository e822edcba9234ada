#!/bin/sh
# Is the app up, and content with its settings? Waits for a cold start, and for roles that were given a moment ago:
# at most GREENLIGHT_PATIENCE tries.
set -eu
: "${baseUrl:?address of Greenlight, an output of main.bicep}"

attempt=1
while :; do
  if answer=$(curl --silent --show-error --fail --max-time 30 "$baseUrl/healthz" 2>&1); then up=yes; else up=no; fi
  case $up$answer in
    yes*'"status": "ok"'*)
      echo "smoke: $baseUrl is up: $answer"
      exit 0
      ;;
  esac
  attempt=$((attempt + 1))
  [ "$attempt" -le "${GREENLIGHT_PATIENCE:-20}" ] || break
  sleep "${GREENLIGHT_PAUSE:-6}"
done
if [ "$up" = no ]; then
  echo "smoke: $baseUrl/healthz does not answer well: $answer" >&2
  exit 1
fi
echo "smoke: $baseUrl is up, and leaves something out: $answer" >&2
echo "smoke: sign in as an operator and open $baseUrl/healthz, or read the app's log" >&2
exit 1
