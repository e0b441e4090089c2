package dist_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/dist"
	"github.com/icl-msr/icl-msr/torch"
)

// noJob clears what torchrun and Slurm would have set.
func noJob(t *testing.T) {
	for _, name := range []string{"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT",
		"SLURM_STEP_NUM_TASKS"} {
		t.Setenv(name, "")
	}
}

// A process on its own is a job of one, in which nothing is asked of anyone.
func TestAProcessOnItsOwn(t *testing.T) {
	noJob(t)
	job, err := dist.Join(dist.Options{})
	require.NoError(t, err)
	defer job.Close()
	assert.Equal(t, []int{0, 1, 0, 1}, []int{job.Rank, job.Size, job.LocalRank, job.LocalSize})
	assert.Nil(t, job.Group)
	assert.Equal(t, torch.CPU(), job.Device)
	own := errors.New("mine")
	for _, f := range []func(error) error{job.Explain, job.Agree,
		func(err error) error { return job.Lead(func() error { return err }) }} {
		assert.NoError(t, f(nil))
		assert.Equal(t, own, f(own))
	}
	assert.True(t, job.Leads())
	assert.NoError(t, job.Same("data", dist.Setting{Name: "pictures", Value: "5"}))
	err = torch.With(func(s *torch.Scope) error {
		x := torch.FromSlice(s, []float64{1, 2}, job.Device, 2)
		assert.Equal(t, x, s.AllGather(job.Group, x))
		return s.Err()
	})
	assert.NoError(t, err)
}

func TestJoinSaysWhatIsWrong(t *testing.T) {
	noJob(t)
	for want, o := range map[string]dist.Options{"Device gpu: want cpu, cuda or cuda:i": {Device: "gpu"},
		"Timeout -1s: want a time above 0": {Timeout: -time.Second}} {
		_, err := dist.Join(o)
		assert.ErrorContains(t, err, want)
	}
	t.Setenv("RANK", "1")
	t.Setenv("WORLD_SIZE", "2")
	_, err := dist.Join(dist.Options{})
	assert.ErrorContains(t, err, "the environment has no MASTER_PORT")
	t.Setenv("MASTER_ADDR", "127.0.0.1")
	t.Setenv("MASTER_PORT", "9")
	_, err = dist.Join(dist.Options{Backend: "nccl"})
	assert.ErrorContains(t, err, "NCCL is between GPUs")
	_, err = dist.Join(dist.Options{Timeout: 300 * time.Millisecond})
	assert.ErrorContains(t, err, "rank 1: rank 0 does not answer at 127.0.0.1:9")
}
