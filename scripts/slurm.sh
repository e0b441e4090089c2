#!/usr/bin/env bash
# A data-parallel job under Slurm, with a process for each GPU.
#
#   sbatch --nodes 2 --gpus-per-node 8 --ntasks-per-node 8 scripts/slurm.sh --preset imagenet --data-dir DIR --out DIR
#   sbatch --nodes 4 --ntasks-per-node 1 --cpus-per-task 16 scripts/slurm.sh --device cpu ...
#
# The arguments are those of `run pretrain`. All nodes must see the folder --out. --batch-size is that of the whole
# job. A job that Slurm requeues resumes from its last checkpoint.
#SBATCH --job-name=icl-msr
#SBATCH --requeue
#SBATCH --signal=TERM@120
#SBATCH --open-mode=append
set -euo pipefail

# Slurm runs a copy of this file, so that the program is searched in the folder where sbatch was called.
program=${ICLMSR_RUN:-${SLURM_SUBMIT_DIR:-.}/bin/run}
[ -x "$program" ] || {
	echo "slurm.sh: no program $program: build it with 'make build' (CUDA=1 for GPUs)" \
		"and call sbatch in its folder, or set ICLMSR_RUN" >&2
	exit 2
}
device=(--device cuda)
[ -n "${SLURM_GPUS_ON_NODE:-}" ] || device=(--device cpu)
# Two minutes before the time limit every process gets SIGTERM. It finishes its step, saves, and ends with status 130.
srun --kill-on-bad-exit=0 "$program" pretrain "${device[@]}" "$@"
