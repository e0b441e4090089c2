package main

import (
	"context"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/torchscript"
)

// mocoFeatures are what PyTorch makes of the pictures (testdata/init/make.py).
func mocoFeatures(t *testing.T) map[string][]float64 {
	data, err := os.ReadFile("testdata/init/features.json")
	require.NoError(t, err)
	var out map[string][]float64
	require.NoError(t, json.Unmarshal(data, &out))
	require.Len(t, out, 3)
	return out
}

func close32(t *testing.T, want []float64, got []float32, name string) {
	require.Len(t, got, len(want), name)
	for i := range want {
		assert.InDelta(t, want[i], float64(got[i]), 1e-5, "%s: %d", name, i)
	}
}

// floats are little-endian float32.
func floats(b []byte) []float32 {
	out := make([]float32, len(b)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return out
}

func embedFile(t *testing.T, out string, more ...string) string {
	status, _, errs := do(append([]string{"embed", "--init", moco, "--threads", "1", "--batch-size", "2", "--out", out}, more...)...)
	require.Zero(t, status, errs)
	assert.NoFileExists(t, out+".partial")
	assert.NoFileExists(t, out+".partial.json")
	return errs
}

func TestEmbeddingsArePyTorchs(t *testing.T) {
	want, dir := mocoFeatures(t), t.TempDir()
	pictures := "testdata/init"
	embedFile(t, filepath.Join(dir, "x.npy"), pictures)
	data, err := os.ReadFile(filepath.Join(dir, "x.npy"))
	require.NoError(t, err)
	assert.Contains(t, string(data[:arrayHeader]), "'shape': (3, 16)")
	rows := floats(data[arrayHeader:])
	require.Len(t, rows, 48)
	names, err := os.ReadFile(filepath.Join(dir, "x.names.txt"))
	require.NoError(t, err)
	for i, path := range strings.Split(strings.TrimSuffix(string(names), "\n"), "\n") {
		close32(t, want[filepath.Base(path)], rows[16*i:16*i+16], path)
	}

	embedFile(t, filepath.Join(dir, "y.safetensors"), pictures)
	ts, _, err := torchscript.ReadSafetensorsFile(filepath.Join(dir, "y.safetensors"))
	require.NoError(t, err)
	require.Len(t, ts, 1)
	assert.Equal(t, "features", ts[0].Name)
	assert.Equal(t, rows, floats(ts[0].Data))

	embedFile(t, filepath.Join(dir, "z.csv"), pictures+"/c.png", pictures+"/a.png")
	f, err := os.Open(filepath.Join(dir, "z.csv"))
	require.NoError(t, err)
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 3)
	assert.Equal(t, []string{"name", "label", "f0", "f1"}, lines[0][:4])
	assert.Equal(t, pictures+"/c.png", lines[1][0], "in the order given")
	v, err := strconv.ParseFloat(lines[2][3], 32)
	require.NoError(t, err)
	assert.Equal(t, rows[1], float32(v), "written exactly")

	status, out, errs := do("embed", "--init", moco, "--threads", "1", "--format", "jsonl", "--out", "-", pictures)
	require.Zero(t, status, errs)
	var row struct {
		Name, Label string
		Features    []float32
	}
	require.NoError(t, json.NewDecoder(strings.NewReader(out)).Decode(&row))
	assert.Equal(t, rows[:16], row.Features)
}

func TestEmbeddingADataSetOrARun(t *testing.T) {
	dir := t.TempDir()
	run := filepath.Join(dir, "run")
	status, _, errs := do(small("--epochs", "1", "--out", run)...)
	require.Zero(t, status, errs)
	for what, dim := range map[string]int{"features": 16, "projection": 8} {
		status, out, errs := do("embed", "--run", run, "--what", what, "--threads", "1", "--out", "-", "--format", "csv")
		require.Zero(t, status, errs)
		lines, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		require.NoError(t, err)
		assert.Len(t, lines, 65)
		assert.Len(t, lines[1], 2+dim)
		assert.NotEmpty(t, lines[1][1], "the class")
		assert.Equal(t, "1", lines[2][0], "a picture without a file is named by its number")
	}
}

func TestBadPicturesHaveNoRow(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.png")
	require.NoError(t, os.WriteFile(bad, []byte("no picture"), 0o600))
	out := filepath.Join(dir, "x.csv")
	errs := embedFile(t, out, "testdata/init/a.png", bad, "testdata/init/b.png")
	assert.Contains(t, errs, "warning: skipped picture 1 of")
	assert.Contains(t, errs, "2 rows of 16 numbers")
	data, err := os.ReadFile(out)
	require.NoError(t, err)
	assert.NotContains(t, string(data), "bad.png")
	assert.Contains(t, string(data), "b.png,")
}

// An interrupted run goes on to the same bytes, wherever the file was cut.
func TestEmbeddingsGoOn(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, `"odd", name.png`)
	require.NoError(t, os.WriteFile(bad, nil, 0o600))
	pictures := []string{"testdata/init", bad, "testdata/init/b.png", "testdata/init/a.png"}
	for _, format := range []string{"csv", "jsonl", "npy", "safetensors"} {
		whole, cut := filepath.Join(dir, "whole."+format), filepath.Join(dir, "cut."+format)
		embedFile(t, whole, pictures...)
		want, err := os.ReadFile(whole)
		require.NoError(t, err)
		names := map[string]string{}
		for _, n := range []string{"whole", "cut"} {
			names[n] = filepath.Join(dir, n+".names.txt")
		}
		wantNames, err := os.ReadFile(names["whole"])
		require.True(t, err == nil || errors.Is(err, fs.ErrNotExist) && !strings.Contains("npy safetensors", format))
		ctx, cancel := context.WithCancel(context.Background())
		args := append([]string{"embed", "--init", moco, "--threads", "1", "--batch-size", "2", "--out", cut}, pictures...)
		status := execute(ctx, program{&strings.Builder{}, &stopAfter{1, cancel}}, args)
		require.Equal(t, exitInterrupted, status)
		status, _, errs := do(args...)
		assert.Equal(t, exitFailure, status)
		assert.Contains(t, errs, "is there from an interrupted run: go on with it by --resume")
		for _, size := range []int{0, 1, 200, 300, 350, 420, 2000} {
			require.NoError(t, os.WriteFile(cut+".partial", want[:min(size, len(want))], 0o600))
			require.NoError(t, os.WriteFile(names["cut"]+".partial", wantNames[:min(max(0, size-250), len(wantNames))], 0o600))
			about, err := os.ReadFile(cut + ".partial.json")
			require.NoError(t, err)
			embedFile(t, cut, append([]string{"--resume"}, pictures...)...)
			got, err := os.ReadFile(cut)
			require.NoError(t, err)
			assert.Equal(t, string(want), string(got), "%s of %d bytes", format, size)
			if wantNames != nil && format != "csv" && format != "jsonl" {
				gotNames, err := os.ReadFile(names["cut"])
				require.NoError(t, err)
				assert.Equal(t, string(wantNames), string(gotNames), "%s of %d bytes", format, size)
			}
			require.NoError(t, os.WriteFile(cut+".partial.json", about, 0o600)) // for the next cut
		}
		require.NoError(t, os.WriteFile(cut+".partial", want, 0o600))
		require.NoError(t, os.WriteFile(names["cut"]+".partial", wantNames, 0o600))
		status, _, errs = do(append(args, "--resume", "--size", "16")...)
		assert.Equal(t, exitFailure, status)
		assert.Contains(t, errs, "pictures of 32 pixels as cifar, not "+format)
		status, _, errs = do("embed", "--init", moco, "--threads", "1", "--out", cut, "--resume", "testdata/init/b.png")
		assert.Equal(t, exitFailure, status)
		assert.Contains(t, errs, "is not next among these pictures")
		require.NoError(t, os.Remove(cut+".partial.json"))
		status, _, errs = do(append(args, "--resume")...)
		assert.Zero(t, status)
		assert.Contains(t, errs, "is whole already")
	}
}
