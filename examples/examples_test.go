// Package examples has no code: its folders have programs. These tests build and run them.
package examples

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// build builds a program of this module into a temporary folder.
func build(t *testing.T, pkg string) string {
	bin := filepath.Join(t.TempDir(), "program")
	run(t, "", "go", "build", "-o", bin, pkg)
	return bin
}

// run runs a command and returns what it printed.
func run(t *testing.T, dir, name string, args ...string) string {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// numbers returns what the groups of a pattern match, a row for each match.
func numbers(t *testing.T, pattern, out string) (all [][]float64) {
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(out, -1) {
		var row []float64
		for _, g := range m[1:] {
			v, err := strconv.ParseFloat(g, 64)
			require.NoError(t, err, out)
			row = append(row, v)
		}
		all = append(all, row)
	}
	return all
}

func TestCustomBackbone(t *testing.T) {
	out := run(t, "", build(t, "./custom_backbone"), "-epochs", "3", "-pictures", "128")
	assert.Contains(t, out, "the first backbone.body.0.weight\n")
	got := numbers(t, `L_ct (\S+), L_msr (\S+), L_uni (\S+)`, out)
	require.Len(t, got, 3, out)
	assert.Less(t, got[2][0], got[0][0], "the loss falls")
	assert.Greater(t, got[0][1], 1.0)
	assert.Less(t, got[0][2], math.Log(30), "30 pairs of one and the same weight vector")
}

func TestCustomMethod(t *testing.T) {
	out := run(t, "", build(t, "./custom_method"), "-epochs", "2", "-pictures", "96")
	assert.Equal(t, []string{"false", "true"}, regexp.MustCompile("true|false").FindAllString(out, -1))
	got := numbers(t, `L_ct (\S+) in`, out)
	require.Len(t, got, 2, out)
	assert.NotEqual(t, got[0], got[1], "MSR changes the run")
	for _, v := range got {
		assert.Less(t, v[0], 50.0, "25 (invariance) and 25 (two hinges of at most 1, halved) bound it at unit spread")
	}
}

func TestOwnLoop(t *testing.T) {
	got := numbers(t, `loss (\S+), meta objective (\S+)`, run(t, "", build(t, "./own_loop"), "-steps", "30"))
	require.Len(t, got, 30)
	// Cross entropy of 10 classes, and a tenth of the do-loss of 10 pictures.
	assert.InDelta(t, math.Log(10)+0.1*math.Log(19), got[0][0], 0.6)
	assert.Less(t, got[29][0], got[0][0]-1, "the classes are learned")
	assert.Less(t, got[29][1], got[0][1]-1)
}

// A job of two processes prints the figures of one process, and rank 0 alone prints. A rank with
// another setting is refused.
func TestDataParallel(t *testing.T) {
	program := build(t, "./data_parallel")
	ranks := func(of1 ...string) (out [2]string, failed [2]bool) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		port := l.Addr().(*net.TCPAddr).Port
		require.NoError(t, l.Close())
		var wg sync.WaitGroup
		for r := range 2 {
			p := exec.Command(program, append([]string{"-epochs", "2", "-pictures", "64"}, map[int][]string{1: of1}[r]...)...)
			p.Env = append(os.Environ(),
				"OMP_NUM_THREADS=1",
				fmt.Sprint("RANK=", r),
				fmt.Sprint("LOCAL_RANK=", r),
				"WORLD_SIZE=2",
				"LOCAL_WORLD_SIZE=2",
				"MASTER_ADDR=127.0.0.1",
				fmt.Sprint("MASTER_PORT=", port),
			)
			wg.Go(func() {
				text, err := p.CombinedOutput()
				out[r], failed[r] = string(text), err != nil
			})
		}
		wg.Wait()
		return out, failed
	}
	const pattern = `(?:loss|objective): (\S+)`
	alone := numbers(t, pattern, run(t, "", program, "-epochs", "2", "-pictures", "64"))
	require.Len(t, alone, 4)
	out, failed := ranks()
	assert.Equal(t, [2]bool{}, failed, out)
	assert.Empty(t, out[1])
	for i, v := range numbers(t, pattern, out[0]) {
		tolerance := []float64{1e-3, 5e-3, 0.02, 0.02}[i] // float32's rounding grows from step to step
		assert.InDelta(t, alone[i][0], v[0], tolerance)
	}
	assert.Equal(t, 4, strings.Count(out[0], "epoch"), out[0])

	out, failed = ranks("-epochs", "3")
	assert.Equal(t, [2]bool{true, true}, failed)
	for r := range out {
		assert.Regexp(t, `^data_parallel: .*-epochs is 3 on rank 1 and 2 on rank 0: all ranks need the same\n$`, out[r])
	}
}

func TestEmbedFolder(t *testing.T) {
	dir := t.TempDir()
	pictures := filepath.Join(dir, "pictures")
	require.NoError(t, os.MkdirAll(filepath.Join(pictures, "deeper"), 0o755))
	for i, name := range []string{"b.png", "a.png", "deeper/c.png"} { // b and c are the same
		m := image.NewGray(image.Rect(0, 0, 20+i, 20+i))
		for k := range m.Pix {
			m.SetGray(k%m.Stride, k/m.Stride, color.Gray{uint8(200 * (i % 2))})
		}
		f, err := os.Create(filepath.Join(pictures, name))
		require.NoError(t, err)
		require.NoError(t, png.Encode(f, m))
		require.NoError(t, f.Close())
	}
	run(t, dir, build(t, "../run"), "pretrain", "--preset", "cpu", "--count", "32", "--batch-size", "16",
		"--epochs", "1", "--width", "0.0625", "--hidden", "16", "--dim", "8", "--size", "16", "--threads", "1",
		"--out", "made")
	program := build(t, "./embed_folder")
	const checkpoint = "made/checkpoints/last.safetensors"
	out := run(t, dir, program, "-checkpoint", checkpoint, "-pictures", "pictures", "-out", "x.npy")
	assert.Equal(t, "3 pictures, 16 features each: x.npy\n", out)
	data, err := os.ReadFile(filepath.Join(dir, "x.npy"))
	require.NoError(t, err)
	assert.Contains(t, string(data[:128]), "'shape': (3, 16,)")
	var rows [3][16]float32 // in the order of the paths: a, b, deeper/c
	_, err = binary.Decode(data[len(data)-4*3*16:], binary.LittleEndian, &rows)
	require.NoError(t, err)
	assert.NotEqual(t, rows[0], rows[1])
	assert.InDeltaSlice(t, rows[1][:], rows[2][:], 1e-5, "black, whatever its size")

	cmd := exec.Command(program, "-checkpoint", "pictures/a.png")
	cmd.Dir = dir
	text, err := cmd.CombinedOutput()
	require.Error(t, err)
	assert.Regexp(t, `^embed_folder: pictures/a.png: .*\n$`, string(text))
}

// The features equal those of PyTorch (run/testdata/init/make.py).
func TestPythonCheckpoint(t *testing.T) {
	const dir = "../run/testdata/init/"
	out := run(t, "", build(t, "./python_checkpoint"),
		"-checkpoint", dir+"moco.pth", "-arch", "resnet8", "-width", "0.0625",
		dir+"a.png", dir+"b.png", dir+"c.png")
	assert.Contains(t, out, "moco.pth: MoCo v1 or v2")
	data, err := os.ReadFile(dir + "features.json")
	require.NoError(t, err)
	var want map[string][]float64
	require.NoError(t, json.Unmarshal(data, &want))
	require.Len(t, want, 3)
	for name, row := range want {
		_, text, ok := strings.Cut(out, name+" [")
		require.True(t, ok, out)
		text, _, _ = strings.Cut(text, "]")
		words := strings.Fields(text)
		require.Len(t, words, len(row))
		for i, word := range words {
			v, err := strconv.ParseFloat(word, 64)
			require.NoError(t, err)
			assert.InDelta(t, row[i], v, 2e-3, "%s, feature %d", name, i)
		}
	}
}

func TestExamplesImportNothingInternal(t *testing.T) {
	files, err := filepath.Glob("*/main.go")
	require.NoError(t, err)
	require.Len(t, files, 6)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.NotContains(t, string(data), "/internal/", file)
	}
}
