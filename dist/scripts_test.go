package dist

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// The manifest is YAML with both replicas' pods alike, and the Slurm script is
// bash that refuses to start without a program.
func TestClusterScripts(t *testing.T) {
	text, err := os.ReadFile("../scripts/pytorchjob.yaml")
	require.NoError(t, err)
	type replica struct {
		Replicas int `yaml:"replicas"`
		Template struct {
			Spec struct {
				Containers []struct {
					Name    string   `yaml:"name"`
					Command []string `yaml:"command"`
					Args    []string `yaml:"args"`
				} `yaml:"containers"`
			} `yaml:"spec"`
		} `yaml:"template"`
	}
	var job struct {
		Kind string `yaml:"kind"`
		Spec struct {
			Replicas map[string]replica `yaml:"pytorchReplicaSpecs"`
		} `yaml:"spec"`
	}
	require.NoError(t, yaml.Unmarshal(text, &job))
	assert.Equal(t, "PyTorchJob", job.Kind)
	require.Len(t, job.Spec.Replicas, 2)
	for name, r := range job.Spec.Replicas {
		assert.Equal(t, 1, r.Replicas, name)
		require.Len(t, r.Template.Spec.Containers, 1)
		c := r.Template.Spec.Containers[0]
		assert.Equal(t, "pytorch", c.Name, "the operator wants this name")
		assert.Contains(t, c.Command, "--no-python")
		assert.Contains(t, c.Args, "--device=cuda")
	}

	require.NoError(t, exec.Command("bash", "-n", "../scripts/slurm.sh").Run())
	p := exec.Command("bash", "../scripts/slurm.sh")
	p.Env = append(os.Environ(), "SLURM_SUBMIT_DIR="+t.TempDir(), "ICLMSR_RUN=")
	out, err := p.CombinedOutput()
	assert.Error(t, err)
	assert.Contains(t, string(out), "build it with 'make build'")
}
