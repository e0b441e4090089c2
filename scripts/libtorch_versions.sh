# All differences between LibTorch's versions in set-up and build flags. libtorch.sh sources this. The differences in
# C++ are in torch/internal/shim/compat.hpp.
# shellcheck shell=bash

default_version=2.15.0 # docs/libtorch.md has the measurements behind this choice
oldest_version=2.1     # gotch v0.9.1 is written for it
newest_version=2.15    # the newest that was tried

# version_number X.Y.Z prints a number that can be compared.
version_number() {
	local major minor
	IFS=. read -r major minor _ <<<"$1"
	echo $((major * 1000 + minor))
}

# too_old X.Y.Z: whether a version is older than the oldest that works.
too_old() { [ "$(version_number "$1")" -lt "$(version_number $oldest_version)" ]; }

# untried X.Y.Z: whether a version is newer than the newest that was tried.
untried() { [ "$(version_number "$1")" -gt "$(version_number $newest_version)" ]; }

# version_file INCLUDE prints the header that names the version. Since 2.9, version.h includes another one.
version_file() {
	local headers=$1/torch/headeronly/version.h
	[ -f "$headers" ] || headers=$1/torch/csrc/api/include/torch/version.h
	echo "$headers"
}

# version_of INCLUDE prints X.Y.Z, or nothing.
version_of() {
	awk '/^#define TORCH_VERSION_(MAJOR|MINOR|PATCH) / { v = v s $3; s = "." } END { print v }' "$(version_file "$1")" 2>/dev/null || true
}

# cxx_standard INCLUDE prints the C++ standard that the headers need: C++20 since 2.15, gotch's C++17 before.
cxx_standard() {
	if grep -q '__cplusplus < 202002L' "$1/torch/csrc/api/include/torch/all.h"; then echo 20; else echo 17; fi
}

# cxx11_abi LIB prints with which std::string the libraries were built, by a symbol of libc10. PyPI's wheels have the
# old one up to 2.6 and the new one since.
cxx11_abi() {
	if grep -q SourceLocationENSt7__cxx11 "$1/libc10.so"; then echo 1; else echo 0; fi
}

# Prints the libraries that gotch links by name and that this build does not need. An empty archive replaces each.
# macOS has libc++ in place of libstdc++.
stubs_of() { # FLAVOUR OS
	local stubs="cuda cudart cublas cudnn caffe2_nvrtc nvrtc-builtins nvrtc nvToolsExt"
	[ "$1" = cuda ] || stubs="$stubs c10_cuda torch_cuda torch"
	[ "$2" != Darwin ] || stubs="$stubs stdc++"
	echo "$stubs"
}

# Prints the glibc that the wheels need on Linux: 2.28 since LibTorch 2.7 (manylinux_2_28). Earlier wheels are tagged
# manylinux1 but need 2.17.
glibc_of() {
	if [ "$(version_number "$1")" -ge 2007 ]; then echo 28; else echo 17; fi
}

# sizes_of PLATFORM FLAVOUR sets size, need and kept: megabytes to download, needed
# meanwhile (wheels twice for a moment, LibTorch, gotch's build), and kept.
sizes_of() {
	size=900 need=3500 kept=600
	case $1-$2 in
	*-cuda) size=3200 need=10000 kept=5500 ;;
	macos-*) size=100 need=1500 kept=300 ;;
	esac
}
