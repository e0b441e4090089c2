# Fetches LibTorch's wheels by pip, the headers of CUDA and NCCL, and Debian's packages. libtorch.sh sources this. It
# uses the variables cache, flavour, platform, python, root, scripts, source, tmp and version.
# shellcheck shell=bash disable=SC2154

# Sets pip to a command that runs pip: that of the interpreter, else that for new virtual environments, else Debian's
# package, which is unpacked without root.
find_pip() {
	local bundled
	pip=("$python" -m pip)
	"${pip[@]}" --version >/dev/null 2>&1 && return
	bundled=$("$python" -c 'import ensurepip, glob, os; print((glob.glob(os.path.join(os.path.dirname(ensurepip.__file__), "_bundled", "pip-*.whl")) + glob.glob("/usr/share/python-wheels/pip-*.whl"))[0])' 2>/dev/null || true)
	pip=("$python" "$bundled/pip")
	[ -n "$bundled" ] && "${pip[@]}" --version >/dev/null 2>&1 && return
	pip=(env "PYTHONPATH=$tmp/tmp/deb/usr/lib/python3/dist-packages" "$python" -m pip)
	from_debian python3-pip && "${pip[@]}" --version >/dev/null 2>&1 && return
	die "$python has no pip: install it (Debian, Ubuntu: apt install python3-pip), set PYTHON, or give an unpacked" \
		"LibTorch as LIBTORCH=DIR"
}

from_debian() { # unpacks the package $1 into $tmp/tmp/deb
	command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
	rm -rf "$tmp/tmp/deb" && mkdir "$tmp/tmp/deb" &&
		(cd "$tmp/tmp/deb" && apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 download "$1" && dpkg-deb -x "$1"_*.deb .) >/dev/null 2>&1
}

# Sets list to the file with the wheels of this version and their hashes: that in scripts/wheels/, or a new one.
find_list() {
	list=$scripts/wheels/$version-$platform-$flavour.txt
	[ ! -f "$list" ] || return 0
	list=$tmp/tmp/wheels.txt
	if untried "$version"; then
		say "LibTorch $version is newer than $newest_version, the newest that was tried: trying it"
	else
		say "no hashes of LibTorch $version ($flavour, $platform) are kept here: pip's index is taken at its word"
	fi
	local log=$tmp/tmp/list.log
	if ! TMPDIR=$tmp/tmp PIP="${pip[*]}" "$python" "$scripts/list_wheels.py" "$version" "$platform" $flavour >"$list" 2>"$log"; then
		case $(<"$log") in
		*"No matching distribution"* | *"Could not find a version"*) die "TORCH=$version: there is no such LibTorch" \
			"for $platform: give another version, such as TORCH=$default_version" ;;
		*"onnection"* | *"Max retries"* | *"timed out"* | *resolve*) die "no network, or no way to pip's package" \
			"index: connect (pip's settings rule, such as PIP_INDEX_URL or HTTPS_PROXY) and run this again, or give an" \
			"unpacked LibTorch as LIBTORCH=DIR" ;;
		*) die "pip could not tell what LibTorch $version consists of: $(tail -n 1 "$log")" ;;
		esac
	fi
}

fetch() {
	local list wheels=$cache/wheels log=$tmp/tmp/pip.log free options quiet=--quiet size need kept
	sizes_of "$platform" $flavour
	free=$(df -Pm "$cache" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge $need ] ||
		die "the set-up needs about $need MB and $cache has $free MB free: make room, or set ICLMSR_CACHE to a folder" \
			"on another disk"
	find_pip
	find_list
	# The hash selects each wheel, so that any tag of its platform will do.
	options=(--disable-pip-version-check --no-cache-dir --no-deps --require-hashes --only-binary=:all:
		--python-version 311 --implementation cp --abi cp311 --abi abi3 --abi none)
	for tag in $("$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import list_wheels; print(*list_wheels.tags(sys.argv[2]))' "$scripts" "$platform"); do
		options+=(--platform "$tag")
	done
	[ ! -t 2 ] || quiet=--progress-bar=on
	# pip compares each wheel with the hash in the list. It does not fetch wheels again that are complete. If all are,
	# it needs no network.
	if [ -d "$wheels" ] && "${pip[@]}" download --quiet "${options[@]}" --no-index --find-links "$wheels" -d "$wheels" -r "$list" >/dev/null 2>&1; then
		say "LibTorch $version ($flavour): the wheels are in $wheels already"
	elif say "fetching LibTorch $version ($flavour) for $platform into $cache: up to $size MB to download, about" \
		"$need MB of disk meanwhile, $kept MB kept" &&
		! TMPDIR=$tmp/tmp "${pip[@]}" download $quiet "${options[@]}" -d "$wheels" -r "$list" 2>"$log" >&2; then
		case $(<"$log") in
		*"DO NOT MATCH THE HASHES"* | *IncompleteRead* | *"Connection broken"* | *incomplete-download*) die "a" \
			"download was broken, it is not the published file: run this again (whole files are kept); if it stays so," \
			"look at the proxy or mirror that pip uses" ;;
		*"No space left"*) die "the disk of $cache is full: make room, or set ICLMSR_CACHE to a folder on another disk" ;;
		*"connection broken"* | *"Max retries"* | *"timed out"* | *resolve*) die "no network, or no way to pip's" \
			"package index: connect (pip's settings rule, such as PIP_INDEX_URL or HTTPS_PROXY) and run this again, or" \
			"give an unpacked LibTorch as LIBTORCH=DIR" ;;
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
