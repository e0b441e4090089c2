#!/usr/bin/env bash
# Puts LibTorch 2.1.0 into a per-user cache folder and links it as .libtorch.
# Idempotent; quick when done; a half-done folder is never taken for a whole one.
#
#   scripts/libtorch.sh            the CPU build
#   CUDA=1 scripts/libtorch.sh     the build that serves CPUs and GPUs
#   LIBTORCH=DIR                   use this LibTorch 2.1 (its folder with lib/ and include/)
#   PYTHON=python3                 the interpreter for pip, and whose torch 2.1 is used when it has one
#   ICLMSR_CACHE=DIR               the cache folder (default: $XDG_CACHE_HOME/icl-msr or ~/.cache/icl-msr)
#   ICLMSR_KEEP_WHEELS=1           keep the downloaded wheels
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
version=2.1.0
python=${PYTHON:-python3}
flavour=cpu
[ "${CUDA:-0}" = 1 ] && flavour=cuda

say() { printf 'libtorch: %s\n' "$*" >&2; }
die() {
	say "$*"
	exit 1
}

[ -n "${ICLMSR_CACHE:-}${XDG_CACHE_HOME:-}${HOME:-}" ] || die "neither HOME nor ICLMSR_CACHE is set: set ICLMSR_CACHE to a folder for LibTorch"
cache=${ICLMSR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/icl-msr}
case $cache in
*[[:space:]]*) die "the cache folder '$cache' has a space in its name, which linkers do not take: set ICLMSR_CACHE to another folder" ;;
/*) ;;
*) die "ICLMSR_CACHE='$cache' is not an absolute path" ;;
esac

name=libtorch-$version-$flavour
if [ -n "${LIBTORCH:-}" ]; then
	[ -d "$LIBTORCH" ] || die "LIBTORCH=$LIBTORCH is not a folder"
	given=$(cd "$LIBTORCH" && pwd -P)
	name=libtorch-given-$(printf %s "$given" | cksum | cut -d' ' -f1)-$flavour
fi
dir=$cache/$name

link() {
	[ "$(readlink "$root/.libtorch" 2>/dev/null || true)" = "$dir" ] || { rm -f "$root/.libtorch" && ln -s "$dir" "$root/.libtorch"; }
}

# The marker is written last: with it the folder is whole.
if [ -f "$dir/complete" ]; then
	link
	exit 0
fi

# --- what the machine must have ---
command -v "${CXX:-g++}" >/dev/null || die "no C++ compiler (${CXX:-g++}): install one (Debian: apt install g++) or set CXX"
command -v ar >/dev/null || die "no 'ar': install binutils"
command -v "$python" >/dev/null || die "no Python 3 ($python): install it, or set PYTHON, or give an unpacked LibTorch as LIBTORCH=DIR"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 7))' || die "$python is older than Python 3.7: set PYTHON to a newer one"

os=$(uname -s) arch=$(uname -m)
case $os-$arch in
Linux-x86_64) platform=linux-x86_64 so=so ;;
Linux-aarch64 | Linux-arm64) platform=linux-aarch64 so=so ;;
Darwin-arm64) platform=macos-arm64 so=dylib ;;
*) die "$os on $arch has no LibTorch $version wheel: build LibTorch $version and give it as LIBTORCH=DIR" ;;
esac
[ $flavour = cpu ] || [ $platform = linux-x86_64 ] || die "CUDA=1 is for Linux on x86-64; this is $os on $arch: leave CUDA out"

mkdir -p "$cache" 2>/dev/null || die "cannot write to $cache: set ICLMSR_CACHE to a folder of yours"

# --- one at a time ---
lock=$cache/$name.lock
for _ in 1 2; do
	mkdir "$lock" 2>/dev/null && break
	owner=$(cat "$lock/pid" 2>/dev/null || true)
	if [ -n "$owner" ] && kill -0 "$owner" 2>/dev/null; then
		die "process $owner is already setting up $dir: wait for it, then run this again"
	fi
	rm -rf "$lock" # its owner is gone
done
[ -d "$lock" ] || die "cannot make $lock"
echo $$ >"$lock/pid"
tmp=$dir.partial
trap 'rm -rf "$lock" "$tmp"' EXIT
rm -rf "$tmp"
mkdir -p "$tmp/stubs"

# An installed LibTorch is used where it lies: its libraries find each other.
# $1 the folder with lib/ and include/, $2 what it is.
use_installed() {
	[ -e "$1/lib/libtorch_cpu.$so" ] || { say "$2: no lib/libtorch_cpu.$so in $1"; return 1; }
	[ -f "$1/include/torch/csrc/api/include/torch/version.h" ] || { say "$2: no headers in $1/include"; return 1; }
	found=$(sed -n 's/^#define TORCH_VERSION_\(MAJOR\|MINOR\|PATCH\) \([0-9]*\)$/\2/p' "$1/include/torch/csrc/api/include/torch/version.h" | paste -sd . -)
	case $found in 2.1.*) ;; *) say "$2: version ${found:-unknown}, want 2.1"; return 1 ;; esac
	if [ $flavour = cuda ] && [ ! -e "$1/lib/libtorch_cuda.$so" ]; then say "$2: a CPU build, and CUDA=1 is asked for"; return 1; fi
	case $1 in *[[:space:]]*) say "$2: a space in $1"; return 1 ;; esac
	lib=$1/lib include=$1/include source="$2 ($1)"
}

lib=$dir/lib include=$dir/include source=
if [ -n "${LIBTORCH:-}" ]; then
	use_installed "$given" "LIBTORCH" || die "LIBTORCH=$LIBTORCH cannot be used: give LibTorch 2.1, or leave LIBTORCH out to have it fetched"
else
	site=$("$python" -c 'import importlib.util as u; s = u.find_spec("torch"); print(s.submodule_search_locations[0] if s and s.submodule_search_locations else "")' 2>/dev/null || true)
	if [ -n "$site" ]; then use_installed "$site" "the torch of $python" || say "fetching LibTorch $version instead"; fi
fi

if [ -z "$source" ]; then
	need=3000
	[ $flavour = cuda ] && need=9000
	free=$(df -Pm "$cache" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge $need ] || die "$cache has $free MB free and the set-up needs about $need MB: make room, or set ICLMSR_CACHE to a folder on another disk"
	"$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip --user >/dev/null 2>&1 ||
		die "$python has no pip: install it (Debian: apt install python3-pip), or set PYTHON, or give an unpacked LibTorch as LIBTORCH=DIR"
	wheels=$cache/wheels
	list=$root/scripts/wheels-$platform-$flavour.txt
	say "fetching LibTorch $version for $platform ($flavour, about $([ $flavour = cuda ] && echo 3000 || echo 700) MB) into $cache"
	pip_platform=(--only-binary=:all: --python-version 311 --implementation cp --abi cp311 --abi none)
	case $platform in
	linux-x86_64) pip_platform+=(--platform manylinux1_x86_64 --platform manylinux2014_x86_64) ;;
	linux-aarch64) pip_platform+=(--platform manylinux2014_aarch64) ;;
	macos-arm64) pip_platform+=(--platform macosx_11_0_arm64) ;;
	esac
	# pip compares every wheel with the hash in the list; a whole one is not fetched again.
	if ! "$python" -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes "${pip_platform[@]}" -d "$wheels" -r "$list" >"$tmp/pip.log" 2>&1; then
		case $(cat "$tmp/pip.log") in
		*"DO NOT MATCH THE HASHES"*) die "a download was broken (its hash is not the published one): run this again; if it stays so, remove $wheels" ;;
		*"No space left"*) die "the disk of $cache is full: make room, or set ICLMSR_CACHE to a folder on another disk" ;;
		*) die "pip could not fetch LibTorch (no network?): $(grep -v '^WARNING' "$tmp/pip.log" | sed 's#https*://[^ ]*##g' | tail -n 1); try again, or give an unpacked LibTorch 2.1 as LIBTORCH=DIR" ;;
		esac
	fi
	say "unpacking"
	"$python" "$root/scripts/unpack_wheels.py" "$list" "$wheels" "$tmp" $flavour || die "unpacking failed: run this again; if it stays so, remove $wheels"
	source="PyPI wheels"
fi

# gotch links CUDA's libraries by name: an empty archive stands for each that
# this build does without.
stubs="cuda cudart cublas cudnn caffe2_nvrtc nvrtc-builtins nvrtc nvToolsExt"
[ $flavour = cuda ] || stubs="$stubs c10_cuda torch_cuda torch"
echo >"$tmp/empty.c"
${CC:-cc} -c "$tmp/empty.c" -o "$tmp/empty.o" || die "the C compiler ${CC:-cc} does not work"
for l in $stubs; do ar rcs "$tmp/stubs/lib$l.a" "$tmp/empty.o"; done
rm -f "$tmp/empty.c" "$tmp/empty.o"

# The wheels' C++ ABI is the old one, some zips' the new one: an exported name tells.
real=$lib
[ -d "$tmp/lib" ] && real=$tmp/lib
abi=
if [ "$os" = Linux ]; then
	abi=1
	if grep -q 'SourceLocationESs' "$real/libc10.so"; then abi=0; fi
fi

# c10d (data-parallel training) needs gloo's headers, which no LibTorch ships.
gloo=left-out
if [ -d "$include/gloo" ]; then
	gloo=there
elif [ -d "$tmp/include" ] && command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
	mkdir "$tmp/deb"
	if (cd "$tmp/deb" && apt-get download -qq libgloo-dev && dpkg-deb -x libgloo-dev_*.deb . && cp -R usr/include/gloo "$tmp/include/gloo") >/dev/null 2>&1; then gloo=there; fi
	rm -rf "$tmp/deb"
fi
[ $gloo = there ] || say "gloo's headers were left out (no Debian package at hand): single-process training does not need them"

rm -f "$tmp/pip.log"
{
	echo "LIB=$lib"
	echo "INCLUDE=$include"
	echo "STUBS=$dir/stubs"
	echo "ABI=$abi"
	echo "FLAVOUR=$flavour"
	echo "GLOO=$gloo"
	echo "SOURCE='$source'"
} >"$tmp/complete"
rm -rf "$dir"
mv "$tmp" "$dir"
link
[ "${ICLMSR_KEEP_WHEELS:-0}" = 1 ] || rm -rf "${wheels:-$tmp}"
say "LibTorch $version ($flavour, from $source) is in place"
