#!/usr/bin/env bash
# Checks whether this program is right and measures how fast it is on this machine's GPU.
#
#   ./gpu-report.sh [quick|full] [--resume] [--out DIR] [--minutes N] [--device cuda|cuda:i|cpu]
#   ./gpu-report.sh list              the parts, and how each stands
#   ./gpu-report.sh part NAME         one part; ends within 8 minutes
#
# Needs bash and a Python 3 that has the torch this was built for: python3, or $PYTHON.
# Writes DIR/report.json and DIR/report.md (default: ./report) after every part.
set -euo pipefail

die() {
	echo "gpu-report: $*" >&2
	exit 1
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-python3}
command -v "$python" >/dev/null || die "no Python 3 ('$python' is not found): set PYTHON to the one that has torch"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null ||
	die "$python is older than Python 3.8: set PYTHON to a newer one that has torch"
report=$here/scripts/gpu/report.py
[ -f "$report" ] || report=$here/report.py
[ -f "$report" ] || die "report.py is not beside $0: unpack the whole bundle (make gpu-bundle makes it)"
exec "$python" "$report" "$@"
