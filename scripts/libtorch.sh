#!/usr/bin/env bash
# Puts LibTorch 2.1.0 into a per-user cache folder and links it as .libtorch.
# Idempotent, and quick when done. Nothing half-done is ever taken for whole: the
# work is done beside the folder, its manifest is written last, then it is renamed.
#
#   scripts/libtorch.sh            the CPU build
#   CUDA=1 scripts/libtorch.sh     the build that serves CPUs and GPUs
#   LIBTORCH=DIR                   use this LibTorch 2.1 (its folder with lib/ and include/)
#   PYTHON=python3                 the interpreter for pip; if it has a torch 2.1, that is used
#   ICLMSR_CACHE=DIR               the cache folder (default: $XDG_CACHE_HOME/icl-msr or ~/.cache/icl-msr)
#   ICLMSR_KEEP_WHEELS=1           keep the downloaded wheels in the cache folder
set -euo pipefail

scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$scripts")
version=2.1.0
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

# --- where ---
[ -n "${ICLMSR_CACHE:-}${XDG_CACHE_HOME:-}${HOME:-}" ] || die "neither HOME nor ICLMSR_CACHE is set: set ICLMSR_CACHE to a folder for LibTorch"
cache=${ICLMSR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/icl-msr}
case $cache in # the path becomes part of compiler and linker flags
*[[:space:],:\"\'\\\$]*) die "the cache folder '$cache' has a space or one of , : \" ' \\ \$ in its name, which linker flags cannot carry: set ICLMSR_CACHE to another folder" ;;
/*) ;;
*) die "the cache folder '$cache' is not an absolute path: set ICLMSR_CACHE to one" ;;
esac
name=libtorch-$version-$flavour
if [ -n "${LIBTORCH:-}" ]; then
	[ -d "$LIBTORCH" ] || die "LIBTORCH=$LIBTORCH is not a folder: give LibTorch 2.1 (with lib/ and include/), or leave LIBTORCH out to have it fetched"
	given=$(cd "$LIBTORCH" && pwd -P)
	name=libtorch-given-$(printf %s "$given" | cksum | cut -d' ' -f1)-$flavour
fi
dir=$cache/$name

# --- is it there already? ---
# The size of every library, one a line: "SIZE=lib/libc10.so 1097633".
sizes() { (cd "$1" 2>/dev/null && wc -c lib/*.so* lib/*.dylib* 2>/dev/null | awk '$2 != "total" { print "SIZE=" $2, $1 }') || true; }

whole() { # whether $dir holds what its manifest names, and was made for this place
	local manifest
	[ -f "$dir/manifest" ] && [ -f "$dir/include/torch/csrc/api/include/torch/version.h" ] && [ -d "$dir/stubs" ] || return 1
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

# --- what the machine must have ---
for tool in "${CXX:-g++}" "${CC:-gcc}"; do
	command -v "${tool%% *}" >/dev/null || die "no C++ compiler ('${tool%% *}' is not found): install it (Debian, Ubuntu: apt install g++; macOS: xcode-select --install), or set CC and CXX"
done
command -v ar >/dev/null || die "no 'ar': install it (Debian, Ubuntu: apt install binutils)"
os=$(uname -s) arch=$(uname -m)
case $os-$arch in
Linux-x86_64) platform=linux-x86_64 so=so ;;
Linux-aarch64 | Linux-arm64) platform=linux-aarch64 so=so ;;
Darwin-arm64) platform=macos-arm64 so=dylib ;;
*) die "there is no LibTorch $version for $os on $arch: use Linux on x86-64 or arm64 or macOS on arm64, or build LibTorch $version and give it as LIBTORCH=DIR" ;;
esac
[ "$os" != Linux ] || getconf GNU_LIBC_VERSION >/dev/null 2>&1 || die "this Linux has no glibc, which LibTorch's builds need: use Debian, Ubuntu or the like"
[ $flavour = cpu ] || [ $platform = linux-x86_64 ] || die "CUDA=1 is for Linux on x86-64, this is $os on $arch: leave CUDA out"
mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ] || die "cannot write to $cache: set ICLMSR_CACHE to a folder of yours"

have_python() {
	command -v "$python" >/dev/null || die "no Python 3 ('$python' is not found): install it (Debian, Ubuntu: apt install python3 python3-pip), set PYTHON, or give an unpacked LibTorch 2.1 as LIBTORCH=DIR"
	"$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null || die "$python is older than Python 3.8: set PYTHON to a newer one, or give an unpacked LibTorch 2.1 as LIBTORCH=DIR"
}

# --- one at a time ---
# The lock is the kernel's: it goes when its holders do, also by kill -9.
exec 9>"$cache/lock"
if [ -z "${LIBTORCH:-}" ]; then
	have_python
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

# An installed LibTorch is linked, not copied, so that its libraries find each
# other ($ORIGIN). $1: the folder with lib/ and include/; $2: what it is. Where it
# cannot be used, the variable why says why.
use_installed() {
	local header=$1/include/torch/csrc/api/include/torch/version.h found
	for l in libc10 libtorch_cpu; do
		[ -e "$1/lib/$l.$so" ] || { why="it has no lib/$l.$so" && return 1; }
	done
	[ -f "$header" ] || { why="it has no headers (include/torch)" && return 1; }
	found=$(awk '/^#define TORCH_VERSION_(MAJOR|MINOR|PATCH) / { v = v s $3; s = "." } END { print v }' "$header")
	case $found in 2.1.*) ;; *) why="its version is ${found:-unknown}, not 2.1" && return 1 ;; esac
	[ $flavour = cpu ] || [ -e "$1/lib/libtorch_cuda.$so" ] || { why="it is a CPU build, and CUDA=1 asks for CUDA" && return 1; }
	mkdir "$tmp/include"
	ln -s "$1/lib" "$tmp/lib"
	ln -s "$1"/include/* "$tmp/include/"
	version=$found source="$2, $1"
}

# Sets pip to a command that runs pip: the interpreter's own, else the one kept
# for new virtual environments, else Debian's package, unpacked beside (no root).
find_pip() {
	local bundled
	pip=("$python" -m pip)
	"${pip[@]}" --version >/dev/null 2>&1 && return
	bundled=$("$python" -c 'import ensurepip, glob, os; print((glob.glob(os.path.join(os.path.dirname(ensurepip.__file__), "_bundled", "pip-*.whl")) + glob.glob("/usr/share/python-wheels/pip-*.whl"))[0])' 2>/dev/null || true)
	pip=("$python" "$bundled/pip")
	[ -n "$bundled" ] && "${pip[@]}" --version >/dev/null 2>&1 && return
	pip=(env "PYTHONPATH=$tmp/tmp/deb/usr/lib/python3/dist-packages" "$python" -m pip)
	from_debian python3-pip && "${pip[@]}" --version >/dev/null 2>&1 && return
	die "$python has no pip: install it (Debian, Ubuntu: apt install python3-pip), set PYTHON, or give an unpacked LibTorch 2.1 as LIBTORCH=DIR"
}

from_debian() { # unpacks the package $1 into $tmp/tmp/deb
	command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
	rm -rf "$tmp/tmp/deb" && mkdir "$tmp/tmp/deb" &&
		(cd "$tmp/tmp/deb" && apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 download "$1" && dpkg-deb -x "$1"_*.deb .) >/dev/null 2>&1
}

fetch() {
	local list=$scripts/wheels-$platform-$flavour.txt wheels=$cache/wheels log=$tmp/tmp/pip.log free options quiet=--quiet
	# Megabytes to fetch, needed meanwhile (wheels twice for a moment, LibTorch, gotch's build), and kept.
	local size=690 need=3000 kept=550
	case $platform-$flavour in
	*-cuda) size=2600 need=8000 kept=4400 ;;
	linux-aarch64-*) size=90 need=1500 kept=300 ;;
	macos-*) size=60 need=1500 kept=230 ;;
	esac
	free=$(df -Pm "$cache" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge $need ] || die "the set-up needs about $need MB and $cache has $free MB free: make room, or set ICLMSR_CACHE to a folder on another disk"
	find_pip
	options=(--disable-pip-version-check --no-cache-dir --no-deps --require-hashes --only-binary=:all:
		--python-version 311 --implementation cp --abi cp311 --abi none)
	case $platform in
	linux-x86_64) options+=(--platform manylinux1_x86_64) ;;
	linux-aarch64) options+=(--platform manylinux2014_aarch64) ;;
	macos-arm64) options+=(--platform macosx_11_0_arm64) ;;
	esac
	[ ! -t 2 ] || quiet=--progress-bar=on
	# pip compares each wheel with the hash in the list. Whole ones that are there are
	# not fetched again, and where all are, no network is needed.
	if [ -d "$wheels" ] && "${pip[@]}" download --quiet "${options[@]}" --no-index --find-links "$wheels" -d "$wheels" -r "$list" >/dev/null 2>&1; then
		say "LibTorch $version ($flavour): the wheels are in $wheels already"
	elif say "fetching LibTorch $version ($flavour) for $platform into $cache: up to $size MB to download, about $need MB of disk meanwhile, $kept MB kept" &&
		! TMPDIR=$tmp/tmp "${pip[@]}" download $quiet "${options[@]}" -d "$wheels" -r "$list" 2>"$log" >&2; then
		case $(<"$log") in
		*"DO NOT MATCH THE HASHES"* | *IncompleteRead* | *"Connection broken"* | *incomplete-download*) die "a download was broken, it is not the published file: run this again (whole files are kept); if it stays so, look at the proxy or mirror that pip uses" ;;
		*"No space left"*) die "the disk of $cache is full: make room, or set ICLMSR_CACHE to a folder on another disk" ;;
		*"connection broken"* | *"Max retries"* | *"timed out"* | *resolve*) die "no network, or no way to pip's package index: connect (pip's settings rule, such as PIP_INDEX_URL or HTTPS_PROXY) and run this again, or give an unpacked LibTorch 2.1 as LIBTORCH=DIR" ;;
		*) die "pip could not fetch LibTorch: $(grep -v '^WARNING\|notice\]' "$log" | tail -n 1)" ;;
		esac
	fi
	say "unpacking"
	if ! why=$("$python" "$scripts/unpack_wheels.py" "$list" "$wheels" "$tmp" $flavour 2>&1); then
		case $why in
		*"No space left"*) die "the disk of $cache is full: make room, or set ICLMSR_CACHE to a folder on another disk" ;;
		*) die "unpacking failed (${why##*$'\n'}): run this again; if it stays so, remove $wheels" ;;
		esac
	fi
	source="PyPI wheels"
}

if [ -n "${LIBTORCH:-}" ]; then
	use_installed "$given" LIBTORCH || die "LIBTORCH=$LIBTORCH cannot be used, $why: give LibTorch 2.1, or leave LIBTORCH out to have it fetched"
else
	source=
	site=$("$python" -c 'import importlib.util as u; s = u.find_spec("torch"); print((s.submodule_search_locations if s else None or [""])[0])' 2>/dev/null || true)
	if [ -z "$site" ]; then
		fetch
	elif ! use_installed "$site" "the torch of $python"; then
		say "the torch of $python is not used, $why"
		fetch
	fi
fi

# gotch links CUDA's libraries by name: an empty archive stands for each that
# this build does without (and on macOS for libstdc++, which is libc++ there).
stubs="cuda cudart cublas cudnn caffe2_nvrtc nvrtc-builtins nvrtc nvToolsExt"
[ $flavour = cuda ] || stubs="$stubs c10_cuda torch_cuda torch"
[ "$os" != Darwin ] || stubs="$stubs stdc++"
echo 'typedef int nothing;' >"$tmp/tmp/empty.c"
# CC may hold flags, so it is split.
# shellcheck disable=SC2086
${CC:-gcc} -c "$tmp/tmp/empty.c" -o "$tmp/tmp/empty.o" || die "the C compiler '${CC:-gcc}' does not work: see its message above"
for l in $stubs; do ar rcs "$tmp/stubs/lib$l.a" "$tmp/tmp/empty.o"; done

# Which std::string the libraries were built with, by a name that libc10 exports.
abi=
if [ "$os" = Linux ]; then
	abi=" -D_GLIBCXX_USE_CXX11_ABI=0"
	if grep -q SourceLocationENSt7__cxx11 "$tmp/lib/libc10.so"; then abi=" -D_GLIBCXX_USE_CXX11_ABI=1"; fi
fi

# c10d (data-parallel training) needs gloo's headers, which no LibTorch ships.
# Debian's of 2022-05-18 agree with the gloo inside LibTorch 2.1.
gloo=there
if [ ! -d "$tmp/include/gloo" ]; then
	if [ "$os" = Linux ] && from_debian libgloo-dev && compgen -G "$tmp/tmp/deb/libgloo-dev_*git20220518*.deb" >/dev/null; then
		mv "$tmp/tmp/deb/usr/include/gloo" "$tmp/include/gloo"
	else
		gloo=left-out
		say "gloo's headers (Debian's libgloo-dev of 2022-05-18) are not to be had here and are left out: only training in several processes needs them"
	fi
fi

# The libraries of CUDA register themselves when loaded: they are linked even where nothing names them.
rm -rf "$tmp/tmp"
{
	echo "VERSION=$version"
	echo "SOURCE=$source"
	echo "FLAVOUR=$flavour"
	echo "GLOO=$gloo"
	echo "CGO_CFLAGS=-O2 -g"
	echo "CGO_CXXFLAGS=-O2 -g0$abi -I$dir/include -I$dir/include/torch/csrc/api/include$([ $flavour = cpu ] || [ ! -f "$tmp/include/nccl.h" ] || [ ! -f "$tmp/include/crt/host_config.h" ] || echo ' -DICL_NCCL')"
	echo "CGO_LDFLAGS=-L$dir/stubs -L$dir/lib -Wl,-rpath,$dir/lib$([ $flavour = cpu ] || echo ' -Wl,--no-as-needed -Wl,--allow-shlib-undefined')"
	sizes "$tmp"
} >"$tmp/manifest"
rm -rf "$dir"
mv "$tmp" "$dir"
[ "$source" != "PyPI wheels" ] || [ "${ICLMSR_KEEP_WHEELS:-0}" = 1 ] || rm -rf "$cache/wheels"
say "LibTorch $version ($flavour; $source) is in place"
finish
