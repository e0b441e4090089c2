#!/usr/bin/env bash
# Makes bin/gpu, for a machine with a GPU, a driver and the torch that this was built for. That machine needs neither
# Go, nor a compiler, nor a network.
#
#   scripts/gpu/bundle.sh                bin/gpu, with the programs in programs.tar.xz
#   CIFAR10=PATH scripts/gpu/bundle.sh   and with CIFAR-10: a tar of JPEGs (train/CLASS/..., test/CLASS/...)
#                                        or of the published files, or a folder with either
#   PACK=0 scripts/gpu/bundle.sh         programs as they are, to be run here
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
limit=60 # MB
packages="losses meta nets transforms"

die() {
	echo "gpu-bundle: $*" >&2
	exit 1
}

cd "$root"
[ -f .libtorch/manifest ] || die "LibTorch is not set up: run 'CUDA=1 make setup'"
command -v python3 >/dev/null || die "no python3: install it"
version=$(sed -n 's/^VERSION=//p' .libtorch/manifest)
flavour=$(sed -n 's/^FLAVOUR=//p' .libtorch/manifest)
abi=$(sed -n 's/^CGO_CXXFLAGS=.*_GLIBCXX_USE_CXX11_ABI=\([01]\).*/\1/p' .libtorch/manifest)
[ "$flavour" = cuda ] || echo "gpu-bundle: note: this is the build for CPUs, which can only rehearse (--device cpu):" \
	"CUDA=1 make gpu-bundle makes the one for GPUs" >&2

# shellcheck source=scripts/env.sh
. scripts/env.sh
out=$root/bin/gpu
new=$root/bin/gpu.partial
rm -rf "$new"
trap 'rm -rf "$new"' EXIT
mkdir -p "$new/programs" "$new/scripts/gpu" "$new/scripts/compare" "$new/tests"

strip="-s -w"
go build -ldflags "$strip" -o "$new/programs/run" ./run
go build -ldflags "$strip" -o "$new/programs/compare" ./scripts/compare
for package in $packages; do
	go test -c -ldflags "$strip" -o "$new/programs/$package.test" "./$package"
	mkdir -p "$new/tests/$package"
	cp -r "$package/testdata" "$new/tests/$package/"
done
cp scripts/gpu/gpu-report.sh "$new/gpu-report.sh"
cp scripts/gpu/*.py scripts/gpu/methods.txt "$new/scripts/gpu/"
cp scripts/compare/methods.py scripts/compare/resnet.py "$new/scripts/compare/"

if [ -n "${CIFAR10:-}" ]; then
	[ -e "$CIFAR10" ] || die "CIFAR10=$CIFAR10 does not exist: give the tar file or the folder of CIFAR-10"
	case $CIFAR10 in
	*.tar.xz) cp "$CIFAR10" "$new/cifar10.tar.xz" ;;
	*.tar | *.tar.gz | *.tgz) cp "$CIFAR10" "$new/cifar10.tar" ;; # Python detects the compression
	*)
		[ -d "$CIFAR10" ] || die "CIFAR10=$CIFAR10: want a folder, or a .tar, .tar.gz or .tar.xz file"
		tar -C "$CIFAR10" -cJf "$new/cifar10.tar.xz" .
		;;
	esac
fi

commit=$(git rev-parse HEAD 2>/dev/null || echo unknown)
[ -z "$(git status --porcelain 2>/dev/null)" ] || commit=$commit-changed
python3 scripts/gpu/pack.py "$new" "$version" "$flavour" "$abi" "$commit" "${PACK:-1}"
size=$(du -sk --apparent-size "$new" | cut -f1)
[ "${PACK:-1}" != 1 ] || [ "$size" -le $((limit * 1024)) ] ||
	die "the bundle has $((size / 1024)) MB, and $limit MB is the limit: leave CIFAR10 out, or give a smaller file"
rm -rf "$out"
mv "$new" "$out"
echo "gpu-bundle: bin/gpu, $((size / 1024)) MB, for torch $version ($flavour): copy it, and run ./gpu-report.sh there"
