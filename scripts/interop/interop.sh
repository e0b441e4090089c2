#!/usr/bin/env bash
# Exchanges ResNet-18 and ResNet-50 with PyTorch in both directions, and has torchrun start jobs. The default versions
# of PyTorch are that of this program's LibTorch and the current one. Prints a table with the largest relative
# differences of features and of a job's results. If one is too large, the exit status is 1.
#
#   scripts/interop/interop.sh [--torch VERSION]... [export] [import] [launch]     all, unless some are named
#
#   VERSION          X.Y.Z, build, current, or the folder of a virtual environment with torch, torchvision,
#                    safetensors and onnxruntime (scripts/torch_venv.py makes the others)
#   INTEROP_TORCH    versions, where --torch names none: "2.1.0 2.15.0"
#   INTEROP_DIR      where the files are made (default: .venv-interop)
#   PYTHON           the interpreter that runs the scripts, and is tried first for the environments
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
work=${INTEROP_DIR:-$root/.venv-interop}
run=$root/bin/run

die() {
	echo "interop: $1" >&2
	exit "${2:-1}"
}

versions=() directions=
while [ $# -gt 0 ]; do
	case $1 in
	--torch) [ $# -gt 1 ] || die "--torch: want a version after it, such as 2.6.0" 2; versions+=("$2"); shift ;;
	--torch=*) versions+=("${1#--torch=}") ;;
	export | import | launch) directions="$directions $1" ;;
	*) die "$1: want [--torch VERSION]... [export] [import] [launch]" 2 ;;
	esac
	shift
done
directions=${directions:- export import launch}
# shellcheck disable=SC2206 # words
[ ${#versions[@]} -gt 0 ] || versions=(${INTEROP_TORCH:-build current})
[ -x "$run" ] || die "$run is not there: run 'make build'"
pythons=()
for v in "${versions[@]}"; do
	python=$("${PYTHON:-python3}" "$here/../torch_venv.py" "$v" safetensors onnxruntime) || exit $?
	[ -x "$python" ] || die "--torch $v: no virtual environment there" 2
	case " ${pythons[*]:-} " in *" $python "*) ;; *) pythons+=("$python") ;; esac # build and current may be one
done
mkdir -p "$work"

status=0
case " $directions " in *" export "*)
	files=$work/export
	rm -rf "$files"
	"${pythons[0]}" "$here/pictures.py" "$files/pictures"
	for arch in resnet18 resnet50; do
		# A few steps, so that all parameters differ from their initial values.
		"$run" pretrain --preset cpu --arch $arch --width 1 --stem imagenet --augment imagenet --size 224 --dataset folder --data-dir "$files/pictures" \
			--batch-size 8 --epochs 1 --msr --meta-every 2 --dim 64 --out "$files/$arch" >"$files/$arch.log" 2>&1 || { cat "$files/$arch.log" >&2; exit 1; }
		"$run" eval --run "$files/$arch" --epochs 1 --save-features "$files/$arch" >>"$files/$arch.log" 2>&1 || { cat "$files/$arch.log" >&2; exit 1; }
		write_out() { "$run" export --run "$files/$arch" "$@" >>"$files/$arch.log"; }
		write_out --out "$files/$arch/backbone.pt"
		write_out --fc zeros --out "$files/$arch/backbone-fc.pt"
		write_out --fc zeros --out "$files/$arch/backbone-fc.safetensors"
		for ending in safetensors ts onnx; do write_out --out "$files/$arch/backbone.$ending"; done
		write_out --preprocess --out "$files/$arch/backbone-pictures.ts"
		for ending in pt safetensors ts onnx; do
			write_out --what backbone+projector --out "$files/$arch/embedding.$ending"
			write_out --what f_msr --out "$files/$arch/weights.$ending"
		done
	done
	for python in "${pythons[@]}"; do "$python" -W ignore "$here/check_export.py" "$files" || status=1; done
	;;
esac
case " $directions " in *" import "*)
	files=$work/import
	rm -rf "$files"
	"${pythons[0]}" "$here/pictures.py" "$files/pictures"
	for python in "${pythons[@]}"; do "$python" -W ignore "$here/check_import.py" "$files" "$run" || status=1; done
	;;
esac
case " $directions " in *" launch "*)
	files=$work/launch
	rm -rf "$files"
	mkdir -p "$files"
	(cd "$root" && . scripts/env.sh && go build -o "$files/data_parallel" ./examples/data_parallel)
	for python in "${pythons[@]}"; do "$python" -W ignore "$here/check_launch.py" "$files" "$run" "$files/data_parallel" || status=1; done
	;;
esac
exit $status
