package dist

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Which GPU a process has, and the error if it can have none.
func TestGPUsOfAJob(t *testing.T) {
	gpus := []string{"gloo", "nccl"}
	of := func(local, localSize int) Place {
		return Place{Rank: local, LocalRank: local, LocalSize: localSize, Size: 8}
	}
	slurm := of(3, 4)
	slurm.OwnGPU = true
	for _, c := range []struct {
		device, backend string
		place           Place
		there           int
		built           []string
		want, by        string // or the error's words in by
		fails           bool
	}{
		{"cpu", "", of(0, 2), 0, []string{"gloo"}, "cpu", "gloo", false},
		{"cuda", "", of(3, 4), 4, gpus, "cuda:3", "nccl", false},
		{"cuda", "gloo", of(1, 2), 8, []string{"gloo"}, "cuda:1", "gloo", false},
		{"cuda:5", "nccl", of(0, 1), 8, gpus, "cuda:5", "nccl", false}, // one on each machine
		{"cuda:0", "gloo", of(1, 2), 1, gpus, "cuda:0", "gloo", false}, // they may share one
		{"cuda", "", slurm, 1, gpus, "cuda:0", "nccl", false},          // --gpus-per-task 1
		{"cuda", "", slurm, 4, gpus, "cuda:3", "nccl", false},
		{"cpu", "nccl", of(0, 2), 8, gpus, "", "NCCL is between GPUs; give Device cuda, or Backend gloo", true},
		{"cuda", "", of(0, 8), 4, gpus, "", "Device cuda: 8 processes on this machine, and this program sees 4 GPUs on it: " +
			"start one process for each GPU", true},
		{"cuda", "gloo", of(0, 2), 1, gpus, "", "let all share one by Device cuda:0 and Backend gloo", true},
		{"cuda", "", slurm, 2, gpus, "", "4 processes on this machine, and this program sees 2 GPUs", true},
		{"cuda:0", "", of(1, 2), 4, gpus, "", "Device cuda:0 with 2 processes on this machine: all would be on one GPU, " +
			"which NCCL cannot do; give Device cuda", true},
		{"cuda", "", of(0, 2), 0, []string{"gloo"}, "", "Backend nccl: this program was built without it: build it with " +
			"CUDA=1 (CUDA=1 make build), or give Backend gloo", true},
		{"cpu", "", of(0, 2), 0, nil, "", "Backend gloo: this program was built without it: the headers of gloo", true},
	} {
		device, backend, err := Assign(c.device, c.backend, c.place, c.there, c.built)
		if !c.fails {
			require.NoError(t, err)
			assert.Equal(t, []string{c.want, c.by}, []string{device, backend})
			continue
		}
		assert.ErrorContains(t, err, c.by)
	}
}
