package main

import (
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/atomicfile"
	"github.com/icl-msr/icl-msr/torchscript"
)

// mocoFeatures are the features that PyTorch computes of the pictures (testdata/init/make.py).
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

// floats decodes little-endian float32.
func floats(b []byte) []float32 {
	out := make([]float32, len(b)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return out
}

func embedFile(t *testing.T, out string, more ...string) string {
	status, _, errs := do(append([]string{"embed", "--init", moco, "--threads", "1", "--batch-size", "2", "--out", out},
		more...)...)
	require.Zero(t, status, errs)
	assert.NoFileExists(t, out+".partial")
	assert.NoFileExists(t, out+".partial.json")
	assert.NoFileExists(t, out+".lock")
	assert.FileExists(t, out+".about.json")
	return errs
}

func TestEmbeddingsArePyTorchs(t *testing.T) {
	want, dir := mocoFeatures(t), t.TempDir()
	pictures := "testdata/init"
	embedFile(t, filepath.Join(dir, "x.npy"), pictures)
	data, err := os.ReadFile(filepath.Join(dir, "x.npy"))
	require.NoError(t, err)
	assert.Contains(t, string(data[:256]), "'shape': (3, 16)")
	rows := floats(data[256:])
	require.Len(t, rows, 48)
	names, err := os.ReadFile(filepath.Join(dir, "x.npy.names.txt"))
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
	assert.Contains(t, errs, "2 rows of 16 numbers (2 of 3 pictures; 1 could not be read)")
	data, err := os.ReadFile(out)
	require.NoError(t, err)
	assert.NotContains(t, string(data), "bad.png")
	assert.Contains(t, string(data), "b.png,")
}

func TestEmbedRefusesBeforeItWrites(t *testing.T) {
	dir := t.TempDir()
	there, picture := filepath.Join(dir, "there.npy"), filepath.Join(dir, "a.png")
	data, err := os.ReadFile("testdata/init/a.png")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(picture, data, 0o600))
	require.NoError(t, os.WriteFile(there, []byte("rows"), 0o600))
	bad := filepath.Join(dir, "bad.jpg")
	require.NoError(t, os.WriteFile(bad, nil, 0o600))
	taken, err := atomicfile.TakeLock(filepath.Join(dir, "taken.npy.lock"))
	require.NoError(t, err)
	for _, c := range []struct {
		status int
		want   string
		args   []string
	}{
		{exitFailure, "nosuchdir: no such file or folder", []string{"--out", there, "--force", "nosuchdir"}},
		{exitFailure, "b.png: no such file or folder",
			[]string{"--out", there, "--force", picture, filepath.Join(dir, "b.png")}},
		{exitFailure, "none of the 1 pictures can be read", []string{"--out", there, "--force", bad}},
		{exitUsage, "names a picture, which would be lost; write --out FILE before the pictures",
			[]string{"--out", picture, bad}},
		{exitUsage, "names a picture", []string{"--format", "npy", "--force", "--out", picture, bad}},
		{exitUsage, "is what is to be read", []string{"--format", "npy", "--force", "--out", moco, picture}},
		{exitUsage, "its ending tells no format; give --format npy, safetensors, csv, jsonl",
			[]string{"--out", filepath.Join(dir, "x.bin"), picture}},
		{exitUsage, "its ending tells no format", []string{"--out", filepath.Join(dir, "x"), picture}},
		{exitUsage, "there.npy is there already; --force writes over it", []string{"--out", there, picture}},
		{exitUsage, "--resume continues the existing file, --force starts anew",
			[]string{"--out", there, "--force", "--resume", picture}},
		{exitUsage, "give either pictures", []string{"--out", there, "--classes", "a", picture}},
		{exitFailure, "taken.npy is being written by process " + strconv.Itoa(os.Getpid()),
			[]string{"--out", filepath.Join(dir, "taken.npy"), picture}},
	} {
		status, _, errs := do(append([]string{"embed", "--init", moco, "--threads", "1"}, c.args...)...)
		assert.Equal(t, c.status, status, errs)
		assert.Contains(t, errs, c.want)
	}
	require.NoError(t, taken.Release())
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, left, 3, "nothing half-written stays")
	text, err := os.ReadFile(there)
	require.NoError(t, err)
	assert.Equal(t, "rows", string(text))
	kept, err := os.ReadFile(picture)
	require.NoError(t, err)
	assert.Equal(t, data, kept)
}

// The classes are the training's unless others are given.
func TestEmbedTakesClasses(t *testing.T) {
	dir := t.TempDir()
	data, err := os.ReadFile("testdata/init/a.png")
	require.NoError(t, err)
	for _, class := range []string{"a", "b", "c"} {
		for _, part := range []string{"train", "test"} {
			for _, name := range []string{"0.png", "1.png", "2.png", "3.png"} {
				path := filepath.Join(dir, "D", part, class, name)
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
				require.NoError(t, os.WriteFile(path, data, 0o600))
			}
		}
	}
	run := filepath.Join(dir, "run")
	status, _, errs := do(small("--dataset", "folder", "--data-dir", filepath.Join(dir, "D"), "--classes", "a,c",
		"--epochs", "1", "--batch-size", "4", "--out", run)...)
	require.Zero(t, status, errs)
	for classes, want := range map[string]string{"none": "a c", "--classes=": "a b c", "--classes=b": "b"} {
		args := []string{"embed", "--run", run, "--threads", "1", "--out", "-", "--format", "csv"}
		if classes != "none" {
			args = append(args, classes)
		}
		status, out, errs := do(args...)
		require.Zero(t, status, errs)
		assert.Equal(t, classes == "none", strings.Contains(errs, "classes: a,c alone, as in training"), errs)
		lines, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		require.NoError(t, err)
		var seen []string
		for _, l := range lines[1:] {
			if !slices.Contains(seen, l[1]) {
				seen = append(seen, l[1])
			}
		}
		assert.Equal(t, want, strings.Join(seen, " "))
	}
}
