#!/usr/bin/env bash
# Round trips with PyTorch, on real ResNet-18 and ResNet-50, and jobs that its
# torchrun starts, in two virtual environments: PyTorch 2.1.0, and the current one.
# Prints a table of the largest relative differences of features, and of a job's
# results; ends with status 1 if one is too large.
#
#   scripts/interop/interop.sh [export] [import] [launch]     all, unless some are named
#
#   INTEROP_VENV_21=DIR    a virtual environment with torch 2.1.0, torchvision 0.16.0, safetensors, numpy<2
#   INTEROP_VENV_NEW=DIR   one with the current torch and torchvision, safetensors, onnxruntime
#   INTEROP_DIR=DIR        where they and the files are made (default: .venv-interop); about 13 GB
#   PYTHON                 the interpreter for them; torch 2.1.0 needs Python 3.8 to 3.11
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
work=${INTEROP_DIR:-$root/.venv-interop}
run=$root/bin/run
directions=${*:-export import launch}

die() {
	echo "interop: $*" >&2
	exit 1
}

# venv DIR PYTHON PACKAGE... makes an environment, whole or not at all.
venv() {
	local dir=$1 python=$2
	shift 2
	[ -f "$dir/interop-ready" ] && return
	echo "interop: installing $* into $dir (some gigabytes)" >&2
	rm -rf "$dir"
	"$python" -m venv "$dir" >/dev/null || die "$python cannot make virtual environments (Debian, Ubuntu: apt install python3-venv)"
	"$dir/bin/python" -m pip install --quiet --disable-pip-version-check "$@" || die "pip could not install $*, see its message above"
	touch "$dir/interop-ready"
}

old=${INTEROP_VENV_21:-$work/venv21}
new=${INTEROP_VENV_NEW:-$work/venvnew}
for d in $directions; do
	case $d in export | import | launch) ;; *) die "$d: want export, import or launch" ;; esac
done
[ -x "$run" ] || die "$run is not there: run 'make build'"
mkdir -p "$work"
if [ -z "${INTEROP_VENV_21:-}" ]; then
	python=$(for p in "${PYTHON:-python3}" python3.11 python3.10 python3.9 python3.8; do
		"$p" -c 'import sys; sys.exit(not (3, 8) <= sys.version_info < (3, 12))' 2>/dev/null && echo "$p" && break
	done) || true
	[ -n "$python" ] || die "torch 2.1.0 needs Python 3.8 to 3.11: set PYTHON to one of these, or INTEROP_VENV_21 to an environment that has it"
	venv "$old" "$python" torch==2.1.0 torchvision==0.16.0 safetensors 'onnxruntime<1.20' 'numpy<2'
fi
[ -n "${INTEROP_VENV_NEW:-}" ] || venv "$new" "${PYTHON:-python3}" torch torchvision safetensors onnxruntime numpy
for v in "$old" "$new"; do [ -x "$v/bin/python" ] || die "$v is no virtual environment"; done

status=0
case " $directions " in *" export "*)
	files=$work/export
	rm -rf "$files"
	"$new/bin/python" "$here/pictures.py" "$files/pictures"
	for arch in resnet18 resnet50; do
		# A few steps, so that nothing is as it was initialised.
		"$run" pretrain --preset cpu --arch $arch --width 1 --stem imagenet --augment imagenet --size 224 --dataset folder --data-dir "$files/pictures" \
			--batch-size 8 --epochs 1 --msr --meta-every 2 --dim 64 --out "$files/$arch" >"$files/$arch.log" 2>&1 || { cat "$files/$arch.log" >&2; exit 1; }
		"$run" eval --run "$files/$arch" --epochs 1 --save-features "$files/$arch" >>"$files/$arch.log" 2>&1 || { cat "$files/$arch.log" >&2; exit 1; }
		export() { "$run" export --run "$files/$arch" "$@" >>"$files/$arch.log"; }
		export --out "$files/$arch/backbone.pt"
		export --fc zeros --out "$files/$arch/backbone-fc.pt"
		export --fc zeros --out "$files/$arch/backbone-fc.safetensors"
		for ending in safetensors ts onnx; do export --out "$files/$arch/backbone.$ending"; done
		export --preprocess --out "$files/$arch/backbone-pictures.ts"
		for ending in pt safetensors ts onnx; do
			export --what backbone+projector --out "$files/$arch/embedding.$ending"
			export --what f_msr --out "$files/$arch/weights.$ending"
		done
	done
	for v in "$old" "$new"; do "$v/bin/python" -W ignore "$here/check_export.py" "$files" || status=1; done
	;;
esac
case " $directions " in *" import "*)
	files=$work/import
	rm -rf "$files"
	"$new/bin/python" "$here/pictures.py" "$files/pictures"
	for v in "$old" "$new"; do "$v/bin/python" -W ignore "$here/check_import.py" "$files" "$run" || status=1; done
	;;
esac
case " $directions " in *" launch "*)
	files=$work/launch
	rm -rf "$files"
	mkdir -p "$files"
	(cd "$root" && . scripts/env.sh && go build -o "$files/data_parallel" ./examples/data_parallel)
	for v in "$old" "$new"; do "$v/bin/python" -W ignore "$here/check_launch.py" "$files" "$run" "$files/data_parallel" || status=1; done
	;;
esac
exit $status
