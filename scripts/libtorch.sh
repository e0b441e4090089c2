#!/usr/bin/env bash
# Puts LibTorch into a per-user cache folder and links it as .libtorch. Running it again is quick and changes nothing.
# An interrupted run leaves nothing that looks complete: the work is done in another folder, the manifest is written
# last, and then the folder is renamed.
#
#   scripts/libtorch.sh            the CPU build
#   CUDA=1 scripts/libtorch.sh     the build that serves CPUs and GPUs
#   TORCH=X.Y.Z                    this version, from PyPI's wheels (2.1.0 to 2.15.0 are known to work)
#   LIBTORCH=DIR                   use this LibTorch (its folder with lib/ and include/), 2.1 or newer
#   PYTHON=python3                 the interpreter for pip; its torch is used if it has one, 2.1 or newer
#   ICLMSR_CACHE=DIR               the cache folder (default: $XDG_CACHE_HOME/icl-msr or ~/.cache/icl-msr)
#   ICLMSR_KEEP_WHEELS=1           keep the downloaded wheels in the cache folder
set -euo pipefail

scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$scripts")
# shellcheck source=scripts/libtorch_versions.sh
. "$scripts/libtorch_versions.sh"
# shellcheck source=scripts/libtorch_fetch.sh
. "$scripts/libtorch_fetch.sh"
# shellcheck source=scripts/libtorch_cuda.sh
. "$scripts/libtorch_cuda.sh"
version=${TORCH:-$default_version}
python=${PYTHON:-python3}

say() { printf 'libtorch: %s\n' "$*" >&2; }
die() {
	say "$*"
	exit 1
}

case ${CUDA:-0} in
'' | 0) flavour=cpu ;;
1) flavour=cuda ;;
*) die "CUDA=$CUDA is neither 1 (build for CPUs and GPUs) nor 0 (for CPUs): set or unset it" ;;
esac

case ${TORCH:-} in
'') ;;
*[!0-9.]* | .* | *. | *..*) die "TORCH=$TORCH is not a version: give one as TORCH=$default_version" ;;
*.*.*.*) die "TORCH=$TORCH is not a version: give one as TORCH=$default_version" ;;
*.*.*) ;;
*.*) version=$TORCH.0 ;;
*) die "TORCH=$TORCH is not a version: give one as TORCH=$default_version" ;;
esac
[ -z "${TORCH:-}" ] || [ -z "${LIBTORCH:-}" ] ||
	die "both TORCH=$TORCH and LIBTORCH=$LIBTORCH are set: leave one of them out"
if too_old "$version"; then die "LibTorch $version is older than $oldest_version, the oldest that works: give" \
	"TORCH=$default_version, or leave TORCH out"; fi

# --- platform ---
os=$(uname -s) arch=$(uname -m)
case $os-$arch in
Linux-x86_64) platform=linux-x86_64 so=so ;;
Linux-aarch64 | Linux-arm64) platform=linux-aarch64 so=so ;;
Darwin-arm64) platform=macos-arm64 so=dylib ;;
*) die "there is no LibTorch for $os on $arch: use Linux on x86-64 or arm64 or macOS on arm64, or build LibTorch" \
	"and give it as LIBTORCH=DIR" ;;
esac

# --- cache folder ---
[ -n "${ICLMSR_CACHE:-}${XDG_CACHE_HOME:-}${HOME:-}" ] ||
	die "neither HOME nor ICLMSR_CACHE is set: set ICLMSR_CACHE to a folder for LibTorch"
cache=${ICLMSR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/icl-msr}
case $cache in # the path becomes part of compiler and linker flags
*[[:space:],:\"\'\\\$]*) die "the cache folder '$cache' has a space or one of , : \" ' \\ \$ in its name, which" \
	"linker flags cannot carry: set ICLMSR_CACHE to another folder" ;;
/*) ;;
*) die "the cache folder '$cache' is not an absolute path: set ICLMSR_CACHE to one" ;;
esac
# Prints why a LibTorch, a folder with lib/ and include/, cannot be used. Prints nothing if it can.
unusable() {
	local l found
	for l in libc10 libtorch_cpu; do
		[ -e "$1/lib/$l.$so" ] || { echo "it has no lib/$l.$so" && return; }
	done
	[ -f "$(version_file "$1/include")" ] || { echo "it has no headers (include/torch)" && return; }
	found=$(version_of "$1/include")
	if [ -z "$found" ]; then
		echo "its headers name no version"
	elif too_old "$found"; then
		echo "its version is $found, and $oldest_version is the oldest that works"
	elif [ $flavour = cuda ] && [ ! -e "$1/lib/libtorch_cuda.$so" ]; then
		echo "it is a CPU build, and CUDA=1 asks for CUDA"
	fi
}

installed= # the torch of $PYTHON, unless a version is asked for
if [ -z "${TORCH:-}${LIBTORCH:-}" ]; then
	installed=$("$python" -c 'import importlib.util as u; s = u.find_spec("torch"); print((s.submodule_search_locations if s else None or [""])[0])' 2>/dev/null || true)
	if [ -n "$installed" ]; then
		why=$(unusable "$installed")
		[ -z "$why" ] || { say "the torch of $python is not used, $why" && installed=; }
	fi
fi
named() { echo "libtorch-given-$(printf %s "$1" | cksum | cut -d' ' -f1)-$flavour"; }
name=libtorch-$version-$flavour
if [ -n "${LIBTORCH:-}" ]; then
	[ -d "$LIBTORCH" ] ||
		die "LIBTORCH=$LIBTORCH is not a folder: give the folder of LibTorch (with lib/ and include/), or leave" \
			"LIBTORCH out to have it fetched"
	given=$(cd "$LIBTORCH" && pwd -P)
	why=$(unusable "$given")
	[ -z "$why" ] ||
		die "LIBTORCH=$LIBTORCH cannot be used, $why: give LibTorch $oldest_version or newer, or leave LIBTORCH out to" \
			"have it fetched"
	name=$(named "$given")
elif [ -n "$installed" ]; then
	given=$(cd "$installed" && pwd -P)
	name=$(named "$given")
fi
dir=$cache/$name

# --- existing installation ---
# Prints the size of every library, one in a line: "SIZE=lib/libc10.so 1097633".
sizes() { (cd "$1" 2>/dev/null && wc -c lib/*.so* lib/*.dylib* 2>/dev/null | awk '$2 != "total" { print "SIZE=" $2, $1 }') || true; }

# The header with which gotch and the shim compile. Its name has its checksum, so that Go compiles again when it
# changes.
compat=compat-$(cksum <"$root/torch/internal/shim/compat.hpp" | cut -d' ' -f1).hpp

whole() { # whether $dir has what its manifest names and was made for this path
	local manifest
	[ -f "$dir/manifest" ] && [ -f "$dir/include/torch/csrc/api/include/torch/version.h" ] && [ -d "$dir/stubs" ] && [ -f "$dir/$compat" ] || return 1
	manifest=$(<"$dir/manifest")
	case $manifest in *"-Wl,-rpath,$dir/lib"*) ;; *) return 1 ;; esac
	[ "SIZE=${manifest#*SIZE=}" = "$(sizes "$dir")" ]
}

finish() {
	if [ "$(readlink "$root/.libtorch" 2>/dev/null || true)" != "$dir" ]; then
		{ rm -f "$root/.libtorch" && ln -s "$dir" "$root/.libtorch"; } 2>/dev/null ||
			die "cannot make the link $root/.libtorch: move away what is there, or make the folder writable"
	fi
	exit 0
}

if whole; then finish; fi

# --- requirements ---
for tool in "${CXX:-g++}" "${CC:-gcc}"; do
	command -v "${tool%% *}" >/dev/null ||
		die "no C++ compiler ('${tool%% *}' is not found): install it (Debian, Ubuntu: apt install g++; macOS:" \
			"xcode-select --install), or set CC and CXX"
done
command -v ar >/dev/null || die "no 'ar': install it (Debian, Ubuntu: apt install binutils)"
[ "$os" != Linux ] || getconf GNU_LIBC_VERSION >/dev/null 2>&1 ||
	die "this Linux has no glibc, which LibTorch's builds need: use Debian, Ubuntu or the like"
[ $flavour = cpu ] || [ $platform = linux-x86_64 ] ||
	die "CUDA=1 is for Linux on x86-64, this is $os on $arch: leave CUDA out"
mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ] || die "cannot write to $cache: set ICLMSR_CACHE to a folder of yours"

have_python() {
	command -v "$python" >/dev/null ||
		die "no Python 3 ('$python' is not found): install it (Debian, Ubuntu: apt install python3 python3-pip), set" \
			"PYTHON, or give an unpacked LibTorch as LIBTORCH=DIR"
	"$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null ||
		die "$python is older than Python 3.8: set PYTHON to a newer one, or give an unpacked LibTorch as LIBTORCH=DIR"
}

have_glibc() {
	[ "$os" = Linux ] && [ -z "$installed" ] || return 0
	local here needs
	here=$(getconf GNU_LIBC_VERSION) needs=$(glibc_of "$version")
	here=${here##*2.}
	[ "${here%%.*}" -ge "$needs" ] ||
		die "LibTorch $version needs glibc 2.$needs, this machine has 2.$here: give TORCH=2.6.0, or an older one"
}

# --- lock ---
# The kernel holds the lock and releases it when its holders end, even by kill -9.
exec 9>"$cache/lock"
if [ -z "${LIBTORCH:-}" ]; then
	have_python
	have_glibc
	try_lock() { "$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)' 2>/dev/null; }
	if ! try_lock; then
		say "waiting for another set-up in $cache to end"
		until try_lock; do sleep 0.5; done
		if whole; then finish; fi
	fi
	tmp=$dir.partial
else
	tmp=$dir.partial.$$ # takes a moment, needs no Python, and ends by a rename
fi
trap 'rm -rf "$tmp"' EXIT
rm -rf "$tmp"
mkdir -p "$tmp/stubs" "$tmp/tmp"

# Links an installed LibTorch. It is not copied, so that its libraries find each other ($ORIGIN). $1: the folder with
# lib/ and include/; $2: a description.
use_installed() {
	mkdir "$tmp/include"
	ln -s "$1/lib" "$tmp/lib"
	ln -s "$1"/include/* "$tmp/include/"
	version=$(version_of "$1/include") source="$2, $1"
	if untried "$version"; then say "LibTorch $version is newer than $newest_version, the newest that was tried:" \
		"trying it"; fi
	[ $flavour = cpu ] || link_headers "$(dirname "$1")/nvidia"
}

if [ -n "${LIBTORCH:-}" ]; then
	use_installed "$given" LIBTORCH
elif [ -n "$installed" ]; then
	use_installed "$given" "the torch of $python"
else
	fetch
fi

# gotch links CUDA's libraries by name. An empty archive replaces each library that this build does not need.
echo 'typedef int nothing;' >"$tmp/tmp/empty.c"
# CC may have flags, so that it is split.
# shellcheck disable=SC2086
${CC:-gcc} -c "$tmp/tmp/empty.c" -o "$tmp/tmp/empty.o" ||
	die "the C compiler '${CC:-gcc}' does not work: see its message above"
for l in $(stubs_of $flavour "$os"); do ar rcs "$tmp/stubs/lib$l.a" "$tmp/tmp/empty.o"; done

abi=
[ "$os" != Linux ] || abi=" -D_GLIBCXX_USE_CXX11_ABI=$(cxx11_abi "$tmp/lib")"
cp "$root/torch/internal/shim/compat.hpp" "$tmp/$compat"

# gotch's -std=c++17 comes after all flags that can be set from outside. If the headers need a later standard, the
# compiler is a script that appends it.
standard=$(cxx_standard "$tmp/include")
if [ "$standard" != 17 ]; then
	printf '#!/bin/sh\nexec %s "$@" -std=c++%s\n' "${CXX:-g++}" "$standard" >"$tmp/cxx"
	chmod +x "$tmp/cxx"
fi

# c10d (data-parallel training) needs gloo's headers, which no LibTorch ships. Debian's headers of 2022-05-18 agree with
# the gloo inside LibTorch 2.1 to 2.15.
gloo=there
if [ ! -d "$tmp/include/gloo" ]; then
	if [ "$os" = Linux ] && from_debian libgloo-dev && compgen -G "$tmp/tmp/deb/libgloo-dev_*git20220518*.deb" >/dev/null; then
		mv "$tmp/tmp/deb/usr/include/gloo" "$tmp/include/gloo"
	else
		gloo=left-out
		say "gloo's headers (Debian's libgloo-dev of 2022-05-18) are not available here and are left out: only" \
			"training in several processes needs them"
	fi
fi

# NCCL's process group needs the headers of NCCL and CUDA. A separate package has crt/.
nccl=left-out
if [ $flavour = cuda ]; then
	find_cuda_headers
	nccl=$(nccl_state)
fi

# CUDA's libraries register themselves when loaded, so that they are linked even if nothing names them. The old kind of
# rpath (--disable-new-dtags) comes before LD_LIBRARY_PATH, which may name another torch.
rm -rf "$tmp/tmp"
{
	echo "VERSION=$version"
	echo "SOURCE=$source"
	echo "FLAVOUR=$flavour"
	echo "GLOO=$gloo"
	echo "NCCL=$nccl"
	[ ! -f "$tmp/cxx" ] || echo "CXX=$dir/cxx"
	echo "CGO_CFLAGS=-O2 -g"
	echo "CGO_CXXFLAGS=-O2 -g0$abi -include $dir/$compat -I$dir/include -I$dir/include/torch/csrc/api/include$([ $nccl = left-out ] || echo ' -DICL_NCCL')"
	echo "CGO_LDFLAGS=-L$dir/stubs -L$dir/lib -Wl,-rpath,$dir/lib$([ "$os" != Linux ] || echo ' -Wl,--disable-new-dtags')$([ $flavour = cpu ] || echo ' -Wl,--no-as-needed -Wl,--allow-shlib-undefined')"
	sizes "$tmp"
} >"$tmp/manifest"
rm -rf "$dir"
mv "$tmp" "$dir"
[ "$source" != "PyPI wheels" ] || [ "${ICLMSR_KEEP_WHEELS:-0}" = 1 ] || rm -rf "$cache/wheels"
say "LibTorch $version ($flavour; $source) is in place"
finish
