# Finds the headers of CUDA and NCCL, which NCCL's process group includes. libtorch.sh sources this after
# libtorch_fetch.sh.
# shellcheck shell=bash disable=SC2154

# Links the headers of CUDA and NCCL from the nvidia-* packages beside torch.
link_headers() { # FOLDER
	local folder
	for folder in "$1"/*/include; do
		[ ! -d "$folder" ] || cp -rsn "$folder/." "$tmp/include/"
	done
}

# Prints the headers that NCCL's process group includes and that are missing.
missing_headers() {
	local h
	for h in nccl.h cuda_runtime_api.h crt/host_config.h cublas_v2.h cusparse.h cusolverDn.h; do
		[ -f "$tmp/include/$h" ] || echo "$h"
	done
}

# Fetches the headers of CUDA and NCCL that an installed torch lacks, if torch names their versions. If headers stay
# missing, a line says so and NCCL is left out.
find_cuda_headers() {
	[ -n "$(missing_headers)" ] && [ "$source" != "PyPI wheels" ] || return 0
	mkdir -p "$tmp/tmp"
	find_pip
	local list=$tmp/tmp/headers.txt log=$tmp/tmp/headers.log wheels=$tmp/tmp/headers
	TMPDIR=$tmp/tmp PIP="${pip[*]}" "$python" "$scripts/list_wheels.py" "$version" "$platform" headers >"$list" 2>"$log" &&
		TMPDIR=$tmp/tmp "${pip[@]}" download --quiet --disable-pip-version-check --no-deps -d "$wheels" -r "$list" >"$log" 2>&1 &&
		"$python" "$scripts/unpack_wheels.py" "$list" "$wheels" "$tmp" headers >"$log" 2>&1 || true
}

nccl_state() {
	local gone
	gone=$(missing_headers | tr '\n' ' ')
	if [ -z "$gone" ]; then
		echo there
	else
		echo left-out
		say "NCCL is left out, since these headers are not there: $gone- install the packages nvidia-nccl," \
			"nvidia-cuda-runtime, nvidia-cuda-crt (CUDA 12: nvidia-cuda-nvcc), nvidia-cublas, nvidia-cusparse and" \
			"nvidia-cusolver that torch $version requires, and run this again; only training on several GPUs needs them"
	fi
}
