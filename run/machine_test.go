package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/train"
)

// A CPU uses float32 and gives the same bits each time, whatever the flags for GPUs say.
func TestTheCPUTakesAGPUsFlags(t *testing.T) {
	dir := t.TempDir()
	got := map[string]map[string][]byte{}
	for name, args := range map[string][]string{"plain": nil, "deterministic": {"--deterministic"},
		"float32": {"--precision", "float32"}} {
		out := filepath.Join(dir, name)
		status, _, errs := do(small(append([]string{"--epochs", "1", "--msr", "--out", out}, args...)...)...)
		require.Zero(t, status, errs)
		got[name] = tensors(t, out)
	}
	for name := range got {
		assert.Equal(t, got["plain"], got[name], name)
	}
	text, err := os.ReadFile(runfolder.Config(filepath.Join(dir, "deterministic")))
	require.NoError(t, err)
	assert.Contains(t, string(text), "device: cpu\nprecision: tf32\ndeterministic: true\n")
	for _, more := range [][]string{{"--precision", "float32"}, {"--deterministic"}} {
		status, _, errs := do(small(append([]string{"--epochs", "1", "--msr", "--out", filepath.Join(dir, "plain"),
			"--resume"}, more...)...)...)
		if more[0] == "--deterministic" {
			assert.Zero(t, status, errs)
			continue
		}
		assert.Equal(t, exitFailure, status)
		assert.Contains(t, errs, "holds a run with precision tf32, not float32")
	}
	for _, command := range []string{"eval", "embed", "finetune"} {
		args := []string{command, "--run", filepath.Join(dir, "plain"), "--precision", "bf17"}
		status, _, errs := do(args...)
		assert.Equal(t, exitUsage, status, command)
		assert.Contains(t, errs, `unknown --precision "bf17"`, command)
	}
}

func TestGPUsThatAreNotThere(t *testing.T) {
	if torch.CUDADevices() > 0 {
		t.Skip("there are some")
	}
	run := filepath.Join(t.TempDir(), "run")
	status, _, errs := do(small("--epochs", "1", "--out", run)...)
	require.Zero(t, status, errs)
	for _, args := range [][]string{small("--device", "cuda"), {"eval", "--run", run, "--device", "cuda:1"},
		{"finetune", "--run", run, "--device", "cuda"},
		{"embed", "--run", run, "--device", "cuda", "--out", filepath.Join(t.TempDir(), "x.npy")}, {"doctor", "--device",
			"cuda"}} {
		status, _, errs := do(args...)
		assert.Equal(t, exitFailure, status, args)
		assert.Regexp(t, `^run: --device cuda(:1)?: this program sees 0 CUDA devices: .*--device cpu\n$`, errs, args)
	}
}

func TestVersionAndDoctor(t *testing.T) {
	status, out, errs := do("version")
	require.Zero(t, status, errs)
	assert.Regexp(t, `LibTorch compiled with: `+torch.Version()+`\S*; loaded: `+torch.Version(), out)
	assert.Contains(t, out, "between processes: ")
	status, out, errs = do("doctor")
	require.Zero(t, status, errs)
	assert.Contains(t, out, "cpu: works\n")
	status, _, errs = do("doctor", "--device", "gpu")
	assert.Equal(t, exitUsage, status)
	assert.Contains(t, errs, "want cpu, cuda or cuda:i")
	var said bytes.Buffer
	require.ErrorContains(t, program{stdout: &said}.compared("cuda:0", 0.5),
		"cuda:0: the gradient of a ResNet differs from the CPU's by 5.0e-01 of its norm")
	assert.InDelta(t, 0.1, distance([]float32{3, 4}, []float32{3, 4.5}), 1e-7)
}

func TestMachineFlags(t *testing.T) {
	m := train.OnCPU()
	f := pflag.NewFlagSet("x", pflag.ContinueOnError)
	bindMachine(f, &m)
	require.NoError(t, f.Parse([]string{"--device", "cuda:1", "--precision", "float32", "--deterministic"}))
	assert.Equal(t, train.Machine{Device: "cuda:1", Precision: "float32", Deterministic: true}, m)
}
