# Source this from any folder: `. scripts/env.sh` sets the cgo variables, and CXX if LibTorch needs it, so that plain
# `go build`, `go run` and `go test` find LibTorch in this shell.
# shellcheck shell=sh
_icl_file=
if [ -n "${BASH_VERSION:-}" ]; then
	# shellcheck disable=SC3028 # bash has it
	_icl_file=${BASH_SOURCE:-}
elif [ -n "${ZSH_VERSION:-}" ]; then
	eval '_icl_file=${(%):-%x}'
elif [ -r /proc/self/stat ]; then # dash and others: this file is open while the shell reads it
	read -r _icl_pid _icl_rest </proc/self/stat
	for _icl_fd in "/proc/$_icl_pid/fd"/*; do
		case $(readlink "$_icl_fd") in */scripts/env.sh) _icl_file=$(readlink "$_icl_fd") ;; esac
	done
fi
_icl_manifest=$(cd "$(dirname "${_icl_file:-scripts/env.sh}")/.." 2>/dev/null && pwd)/.libtorch/manifest
_icl_problem=
if [ ! -f "$_icl_manifest" ]; then
	_icl_problem="LibTorch is not set up in ${_icl_manifest%/.libtorch/manifest}: run 'make setup' there"
elif [ "${CUDA:-0}" = 1 ] && ! grep -q '^FLAVOUR=cuda$' "$_icl_manifest"; then
	_icl_problem="CUDA=1 is set, but ${_icl_manifest%/.libtorch/manifest} has the CPU build: run 'CUDA=1 make setup' there"
else
	CGO_CFLAGS=$(sed -n 's/^CGO_CFLAGS=//p' "$_icl_manifest")
	CGO_CXXFLAGS=$(sed -n 's/^CGO_CXXFLAGS=//p' "$_icl_manifest")
	CGO_LDFLAGS=$(sed -n 's/^CGO_LDFLAGS=//p' "$_icl_manifest")
	export CGO_CFLAGS CGO_CXXFLAGS CGO_LDFLAGS
	_icl_cxx=$(sed -n 's/^CXX=//p' "$_icl_manifest")
	case ${CXX:-} in
	*/icl-msr/*/cxx | */libtorch-*/cxx) unset CXX ;; # of another LibTorch
	esac
	[ -z "$_icl_cxx" ] || { CXX=$_icl_cxx && export CXX; }
	unset _icl_cxx
fi
unset _icl_file _icl_pid _icl_rest _icl_fd _icl_manifest
if [ -n "$_icl_problem" ]; then
	echo "env.sh: $_icl_problem" >&2
	unset _icl_problem
	# shellcheck disable=SC2317 # run, not sourced: exit
	return 1 2>/dev/null || exit 1
fi
unset _icl_problem
