#!/bin/sh
# Sends the 329 published examples of GitHub webhook payloads as signals.
#
#   SIGNALBOX_API_KEY=sk_live_… examples/github/send.sh
#
# SIGNALBOX_URL says where the server is (default http://127.0.0.1:8080). It needs Node 20 or later with npm, and
# installs the payloads (npm package @octokit/webhooks-examples) into a temporary directory, or into the one that
# EXAMPLES_DIR names, which a second run finds again. Running it twice stores nothing twice.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
package=@octokit/webhooks-examples

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
	echo "send.sh: node and npm are needed, and are not installed" >&2
	exit 1
fi
if [ -z "${SIGNALBOX_API_KEY:-}" ]; then
	echo "send.sh: set SIGNALBOX_API_KEY" >&2
	exit 1
fi

if [ -z "${EXAMPLES_DIR:-}" ]; then
	EXAMPLES_DIR=$(mktemp -d)
	trap 'rm -rf "$EXAMPLES_DIR"' EXIT
fi
payloads=$EXAMPLES_DIR/node_modules/$package/api.github.com/index.json
if [ ! -f "$payloads" ]; then
	mkdir -p "$EXAMPLES_DIR"
	npm install --silent --no-audit --no-fund --prefix "$EXAMPLES_DIR" "$package@7.6.1" >&2
fi

node "$here/send.mjs" "$payloads"
