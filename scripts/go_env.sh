#!/usr/bin/env bash
# `go_env.sh set` writes the cgo flags with `go env -w`, for every shell of this user. `go_env.sh undo` restores the
# previous flags.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
vars=(CGO_CFLAGS CGO_CXXFLAGS CGO_LDFLAGS CXX)
saved=${XDG_CONFIG_HOME:-$HOME/.config}/icl-msr/go-env-before
command -v go >/dev/null || {
	echo "go-env: no Go in PATH: install Go 1.26 or newer" >&2
	exit 1
}

file=$(go env GOENV)
case $file in
'' | off)
	echo "go-env: go's configuration file is switched off (GOENV=off): unset GOENV, or source scripts/env.sh instead" >&2
	exit 1
	;;
esac

case ${1:-} in
set)
	for v in "${vars[@]}"; do
		[ -z "${!v+set}" ] ||
			echo "go-env: note: $v is set in this shell's environment, which overrides what is written now" >&2
	done
	unset "${vars[@]}"
	if [ ! -f "$saved" ]; then # the first time only: keeps the previous flags
		mkdir -p "$(dirname "$saved")"
		{ grep -E '^(CGO_(C|CXX|LD)FLAGS|CXX)=' "$file" 2>/dev/null || true; } >"$saved.new"
		mv "$saved.new" "$saved"
	fi
	# shellcheck source=scripts/env.sh
	. "$root/scripts/env.sh"
	flags=()
	for v in "${vars[@]}"; do [ -z "${!v:-}" ] || flags+=("$v=${!v}"); done
	unset "${vars[@]}" # go warns of variables that are set in the environment too
	go env -w "${flags[@]}"
	echo "go-env: cgo flags written to $file; 'make go-env-undo' restores the previous ones"
	;;
undo)
	[ -f "$saved" ] || {
		echo "go-env: nothing to restore"
		exit 0
	}
	unset "${vars[@]}"
	go env -u "${vars[@]}"
	while IFS= read -r line; do go env -w "$line"; done <"$saved"
	rm -f "$saved"
	echo "go-env: the cgo flags are as they were before"
	;;
*)
	echo "usage: go_env.sh set|undo" >&2
	exit 2
	;;
esac
