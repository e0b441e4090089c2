#!/usr/bin/env bash
# `go_env.sh set` writes the cgo flags with `go env -w`, for every shell of this
# user; `go_env.sh undo` puts back what was there before.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
vars=(CGO_CFLAGS CGO_CXXFLAGS CGO_LDFLAGS)
saved=${XDG_CONFIG_HOME:-$HOME/.config}/icl-msr/go-env-before
case ${1:-} in
set)
	if [ ! -f "$saved" ]; then # the first time only: what was there before us
		mkdir -p "$(dirname "$saved")"
		for v in "${vars[@]}"; do
			line=$(grep "^$v=" "$(go env GOENV)" 2>/dev/null || true)
			[ -z "$line" ] || echo "$line"
		done >"$saved"
	fi
	# shellcheck source=scripts/env.sh
	. "$root/scripts/env.sh"
	for v in "${vars[@]}"; do
		value=${!v}
		unset "$v"
		go env -w "$v=$value"
	done
	echo "go env: cgo flags written to $(go env GOENV); 'make go-env-undo' takes them back"
	;;
undo)
	[ -f "$saved" ] || { echo "go env: nothing to take back" && exit 0; }
	go env -u "${vars[@]}"
	while IFS= read -r line; do go env -w "$line"; done <"$saved"
	rm -f "$saved"
	echo "go env: cgo flags are as they were"
	;;
*)
	echo "usage: go_env.sh set|undo" >&2
	exit 2
	;;
esac
