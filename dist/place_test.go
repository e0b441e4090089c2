package dist

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func find(env map[string]string) (Place, error) {
	return Find(func(name string) string { return env[name] })
}

func TestPlaceFromTheEnvironment(t *testing.T) {
	p, err := find(nil)
	require.NoError(t, err)
	assert.Equal(t, Alone(), p)

	torch := map[string]string{"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4",
		"MASTER_ADDR": "node1", "MASTER_PORT": "29500",
		"TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": "2"}
	p, err = find(torch)
	require.NoError(t, err)
	assert.Equal(t, Place{5, 8, 1, 4, "node1", 29500, true, "2", true, false}, p)

	// Kubernetes' operator: one process a pod.
	p, err = find(map[string]string{"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "m", "MASTER_PORT": "23456"})
	require.NoError(t, err)
	assert.Equal(t, Place{1, 2, 0, 1, "m", 23456, false, "", false, false}, p)

	slurm := map[string]string{"SLURM_STEP_NUM_TASKS": "7", "SLURM_PROCID": "6", "SLURM_LOCALID": "2",
		"SLURM_NODEID": "1", "SLURM_STEP_TASKS_PER_NODE": "4,3",
		"SLURM_STEP_NODELIST": "gpu[07-08]", "SLURM_JOB_ID": "123456"}
	p, err = find(slurm)
	require.NoError(t, err)
	assert.Equal(t, Place{6, 7, 2, 3, "gpu07", 23456, false, "", false, true}, p)

	// A Slurm allocation without srun is one process.
	p, err = find(map[string]string{"SLURM_NTASKS": "8", "SLURM_PROCID": "0"})
	require.NoError(t, err)
	assert.Equal(t, Alone(), p)

	for want, change := range map[string][2]string{
		"has no MASTER_PORT":             {"MASTER_PORT", ""},
		"has no MASTER_ADDR":             {"MASTER_ADDR", ""},
		"has no RANK":                    {"RANK", ""},
		"has no WORLD_SIZE":              {"WORLD_SIZE", ""},
		"RANK=x: want a whole number":    {"RANK", "x"},
		"rank 8 of 8 processes":          {"RANK", "8"},
		"rank -1 of 8":                   {"RANK", "-1"},
		"MASTER_PORT 70000 is no port":   {"MASTER_PORT", "70000"},
		"local rank 4 of 4 processes on": {"LOCAL_RANK", "4"},
	} {
		env := map[string]string{}
		for k, v := range torch {
			env[k] = v
		}
		env[change[0]] = change[1]
		_, err := find(env)
		assert.ErrorContains(t, err, want)
	}
}

func TestSlurmsLists(t *testing.T) {
	for list, want := range map[string]string{"gpu1": "gpu1", "gpu1,gpu2": "gpu1", "gpu[3-5,9]": "gpu3",
		"gpu[07,09]x,b": "gpu07x", "r[1-2]n[03-04]": "r1n03", "a-b[1]": "a-b1"} {
		got, err := firstNode(list)
		require.NoError(t, err, list)
		assert.Equal(t, want, got)
	}
	for _, list := range []string{"", "gpu[", "gpu[]", ",", "gpu[3-5"} {
		_, err := firstNode(list)
		assert.ErrorContains(t, err, "MASTER_ADDR", list)
	}
	got, err := tasksPerNode("4(x2),3")
	require.NoError(t, err)
	assert.Equal(t, []int{4, 4, 3}, got)
	_, err = tasksPerNode("1(x99999999)")
	assert.Error(t, err)
}

func FuzzSlurmsLists(f *testing.F) {
	f.Add("gpu[07-08],x")
	f.Add("4(x2),3")
	f.Fuzz(func(t *testing.T, s string) {
		if name, err := firstNode(s); err == nil && name == "" {
			t.Error("an empty name")
		}
		_, _ = tasksPerNode(s)
	})
}
