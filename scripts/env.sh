# To be sourced, from any folder: `. scripts/env.sh` sets the cgo flags with which
# plain `go build`, `go run` and `go test` find LibTorch in this shell.
# shellcheck shell=sh
if [ -n "${BASH_SOURCE:-}" ]; then
	_icl_file=${BASH_SOURCE}
elif [ -n "${ZSH_VERSION:-}" ]; then
	eval '_icl_file=${(%):-%x}'
else
	_icl_file=${ICLMSR_ENV:-scripts/env.sh} # plain sh cannot tell: source it from the checkout, or set ICLMSR_ENV
fi
_icl_root=$(cd "$(dirname "$_icl_file")/.." 2>/dev/null && pwd)
if [ -f "$_icl_root/.libtorch/complete" ]; then
	# shellcheck disable=SC1091
	. "$_icl_root/.libtorch/complete"
	export CGO_CFLAGS="-O2 -g"
	CGO_CXXFLAGS="-O2 -g0"
	[ -z "$ABI" ] || CGO_CXXFLAGS="$CGO_CXXFLAGS -D_GLIBCXX_USE_CXX11_ABI=$ABI"
	export CGO_CXXFLAGS="$CGO_CXXFLAGS -I$INCLUDE -I$INCLUDE/torch/csrc/api/include"
	CGO_LDFLAGS="-L$STUBS -L$LIB -Wl,-rpath,$LIB"
	# The CUDA libraries register themselves when loaded, so they must be linked even where nothing names them.
	[ "$FLAVOUR" != cuda ] || CGO_LDFLAGS="$CGO_LDFLAGS -Wl,--no-as-needed -Wl,--allow-shlib-undefined"
	export CGO_LDFLAGS
	unset LIB INCLUDE STUBS ABI FLAVOUR GLOO SOURCE _icl_file _icl_root
else
	echo "env.sh: LibTorch is not set up in ${_icl_root:-this folder}: run 'make setup' there first" >&2
	unset _icl_file _icl_root
	# shellcheck disable=SC2317 # not sourced but run: exit
	return 1 2>/dev/null || exit 1
fi
