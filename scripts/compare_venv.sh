#!/usr/bin/env bash
# `compare_venv.sh DIR` makes the virtual environment DIR with the PyTorch that
# `make compare` times this program against. PYTHON chooses the interpreter.
set -euo pipefail
venv=${1:?usage: compare_venv.sh DIR}
torch=2.1.0 torchvision=0.16.0

ready() {
	"$venv/bin/python" -c "
from importlib.metadata import version
import sys
sys.exit([version(p).split('+')[0] for p in ('torch', 'torchvision')] != ['$torch', '$torchvision'] or version('numpy') >= '2')" 2>/dev/null
}
die() {
	echo "compare: $*" >&2
	exit 1
}

if ready; then exit 0; fi
for python in "${PYTHON:-python3}" python3.11 python3.10 python3.9 python3.8 ''; do
	[ -n "$python" ] || die "PyTorch $torch needs Python 3.8 to 3.11, and ${PYTHON:-python3} is another or none: set PYTHON to one of these"
	if "$python" -c 'import sys; sys.exit(not (3, 8) <= sys.version_info < (3, 12))' 2>/dev/null; then break; fi
done
echo "compare: installing PyTorch $torch and torchvision $torchvision into $venv (2.3 GB to download, 5 GB of disk)" >&2
rm -rf "$venv"
"$python" -m venv "$venv" >/dev/null || die "$python cannot make virtual environments: install that part of it (Debian, Ubuntu: apt install python3-venv)"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check "torch==$torch" "torchvision==$torchvision" 'numpy<2' ||
	die "pip could not install PyTorch, see its message above; run this again once that is mended"
ready || die "$venv is not what was asked for: remove it and run this again"
