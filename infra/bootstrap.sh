#!/bin/sh
# Installs what the native stack needs from the distribution and npm, and with "test" what the tests need; does nothing where it is there already.
set -eu
cd "$(dirname "$0")/.."

missing=""
need() { # need COMMAND PACKAGE...
  command -v "$1" >/dev/null 2>&1 || { shift; missing="$missing $*"; }
}
need npm nodejs npm
need java openjdk-17-jre-headless
need mvn maven
need redis-server redis-server
need ffmpeg ffmpeg
need bwrap bubblewrap
need clamd clamav-daemon
need cc gcc libc6-dev
need g++ g++
need make make
need python3 python3
need curl curl
# Pages are tested in a browser that people use; nothing else needs one.
if [ "${1:-}" = test ] && ! command -v google-chrome >/dev/null 2>&1 && ! command -v chromium-browser >/dev/null 2>&1; then need chromium chromium; fi
if [ -n "$missing" ]; then
  command -v apt-get >/dev/null 2>&1 || { echo "missing:$missing; install them with this system's package manager, or use Docker: docker compose -f infra/compose.yml up" >&2; exit 1; }
  sudo=""; [ "$(id -u)" = 0 ] || sudo=sudo
  echo "installing:$missing"
  export DEBIAN_FRONTEND=noninteractive
  $sudo apt-get update -qq >/dev/null
  # A server package must not start its own service: the stack runs its engines itself, on its own ports.
  policy=/usr/sbin/policy-rc.d
  made=""; [ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null; $sudo chmod +x "$policy"; made=1; }
  # shellcheck disable=SC2086
  $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null || failed=1
  [ -z "$made" ] || $sudo rm -f "$policy"
  [ -z "${failed:-}" ] || { echo "apt-get could not install:$missing" >&2; exit 1; }
fi
command -v go >/dev/null 2>&1 || [ -n "${FORYOU_S3_ENDPOINT:-}" ] || [ -d "${FORYOU_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/foryou}/versitygw-1.8.0" ] ||
  echo "Go 1.21 or newer is not here: set FORYOU_S3_ENDPOINT to any S3 endpoint, or use Docker: docker compose -f infra/compose.yml up" >&2

# Dependencies, when the lockfile is newer than what is installed.
if [ ! -x node_modules/.bin/node ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "installing npm dependencies"
  # ONNX Runtime's CPU library is in its package: nothing more is fetched. The index compiles against the system's own headers.
  export ONNXRUNTIME_NODE_INSTALL=skip
  [ ! -f /usr/include/node/node_api.h ] || export npm_config_nodedir=/usr
  npm ci --no-audit --no-fund --loglevel=error
fi
# npm versions differ in which install scripts they run; the pinned Node needs its own.
node_modules/.bin/node --version >/dev/null 2>&1 || npm rebuild node --loglevel=error
