package main

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/torchscript"
	"github.com/icl-msr/icl-msr/train"
	"github.com/icl-msr/icl-msr/transforms"
)

// smallYAML has the settings of a run of seconds.
const smallYAML = `
preset: cpu
count: 64
batch-size: 16
epochs: 2
width: 0.0625
hidden: 16
dim: 8
size: 16
warmup: 0
threads: 1
workers: 2
`

// drawnFiles writes n drawn pictures as files.
func drawnFiles(t *testing.T, n int) (paths []string, images []transforms.Image) {
	ds, err := datasets.Open(datasets.Options{Name: "shapes", Count: n, Size: 24, Seed: 3})
	require.NoError(t, err)
	dir := t.TempDir()
	for i := range n {
		m, err := ds.Image(i)
		require.NoError(t, err)
		paths, images = append(paths, filepath.Join(dir, string(rune('a'+i))+".png")), append(images, m)
		p := image.NewNRGBA(image.Rect(0, 0, m.Width, m.Height))
		for k := range m.Width * m.Height {
			p.SetNRGBA(k%m.Width, k/m.Width, color.NRGBA{m.Pix[3*k], m.Pix[3*k+1], m.Pix[3*k+2], 255})
		}
		var b bytes.Buffer
		require.NoError(t, png.Encode(&b, p))
		require.NoError(t, os.WriteFile(paths[i], b.Bytes(), 0o644))
	}
	return paths, images
}

func TestTheInterfaceTrainsResumesAndEmbeds(t *testing.T) {
	ctx, out := context.Background(), filepath.Join(t.TempDir(), "run")
	assert.Equal(t, 1, PluginAPI())
	assert.Equal(t, "icl-msr, LibTorch "+torch.Version()+", plugin API 1", Version())
	assert.Contains(t, Methods(), "simclr")

	stopped, stop := context.WithCancel(ctx)
	stop()
	require.ErrorIs(t, Train(stopped, smallYAML, out, nil), context.Canceled)
	var log bytes.Buffer
	require.NoError(t, Resume(ctx, out, &log))
	assert.Contains(t, log.String(), "trained in ")
	other := filepath.Join(t.TempDir(), "other")
	require.NoError(t, Train(ctx, smallYAML, other, nil))
	assert.Equal(t, tensors(t, other), tensors(t, out), "as if it had not been stopped")

	paths, images := drawnFiles(t, 5)
	checkpoint := runfolder.Last(out)
	rows, err := Embed(ctx, checkpoint, paths)
	require.NoError(t, err)
	require.Len(t, rows, 5)
	// The expected value: the picture, resized and normalised, through the backbone.
	k, err := train.Load(checkpoint)
	require.NoError(t, err)
	require.NoError(t, torch.With(func(s *torch.Scope) error {
		st, err := k.Config.State(s, 0)
		require.NoError(t, err)
		require.NoError(t, k.Fill(st.Encoder()))
		plain, x := transforms.CIFAR().WithSize(16).Plain, make([]float32, 3*16*16)
		for i, m := range images {
			require.NoError(t, plain.Apply(x, transforms.Whole(m), nil, &transforms.Scratch{}))
			h := st.Features(s, torch.FromSlice(s, x, st.Options().Device, 1, 3, 16, 16))
			assert.InDeltaSlice(t, torch.Slice[float32](s, h), rows[i], 1e-5)
		}
		return s.Err()
	}))
}

func TestALoadedNetworkServesGoroutinesUntilItIsFreed(t *testing.T) {
	ctx, out := context.Background(), filepath.Join(t.TempDir(), "run")
	require.NoError(t, Train(ctx, smallYAML+"method: byol\n", out, nil))
	paths, _ := drawnFiles(t, 6)
	embed, done, err := Load(runfolder.Last(out))
	require.NoError(t, err)
	all, err := embed(ctx, paths)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range paths {
		wg.Go(func() {
			row, err := embed(ctx, paths[i:i+1])
			if assert.NoError(t, err) {
				assert.InDeltaSlice(t, all[i], row[0], 1e-5)
			}
		})
	}
	wg.Wait()
	none, err := embed(ctx, nil)
	assert.NoError(t, err)
	assert.Empty(t, none)
	bad := filepath.Join(t.TempDir(), "bad.png")
	require.NoError(t, os.WriteFile(bad, []byte("no picture"), 0o644))
	_, err = embed(ctx, append(paths, bad))
	assert.ErrorContains(t, err, "bad.png (10 bytes): ")
	_, err = embed(ctx, []string{filepath.Dir(paths[0])})
	assert.EqualError(t, err, "6 pictures in 1 names: name picture files, not folders")
	done()
	done()
	_, err = embed(ctx, paths)
	assert.ErrorContains(t, err, "freed")
}

func TestTheInterfacesErrorsNameTheThing(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	for text, want := range map[string]string{
		"batch-sise: 3":          `configuration:1: unknown setting "batch-sise"; did you mean "batch-size"?`,
		"preset: cifr10":         `unknown preset "cifr10"`,
		"method: simclrr":        `did you mean "simclr"`,
		"batch-size: 1":          "needs 2 pictures or more",
		"epochs: [":              "configuration: yaml:",
		"preset: cpu\nlr: -1":    "learning rate -1",
		"dataset: folder":        "needs --data-dir",
		"msr: true\nweights: -1": "--weights -1",
	} {
		assert.ErrorContains(t, Train(ctx, text, filepath.Join(dir, "never"), nil), want)
	}
	assert.NoDirExists(t, filepath.Join(dir, "never"))
	var log strings.Builder
	require.NoError(t, Train(ctx, strings.Replace(smallYAML, "warmup: 0", "warmup: 999", 1), filepath.Join(dir, "long"),
		&log))
	assert.Contains(t, log.String(), "--warmup 999 is longer")
	assert.ErrorContains(t, Resume(ctx, dir, nil), "has no run to resume")
	_, err := Embed(ctx, filepath.Join(dir, "none.safetensors"), []string{"x"})
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestTheInterfaceExports(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	require.NoError(t, Train(ctx, smallYAML, filepath.Join(dir, "run"), nil))
	checkpoint, file := runfolder.Last(filepath.Join(dir, "run")), filepath.Join(dir, "backbone.safetensors")
	require.NoError(t, Export(checkpoint, "backbone", "", file))
	got, _, err := torchscript.ReadSafetensorsFile(file)
	require.NoError(t, err)
	weight, ok := torchscript.Find(got, "conv1.weight")
	require.True(t, ok)
	assert.Equal(t, tensors(t, filepath.Join(dir, "run"))["backbone.conv1.weight"], weight.Data)
	assert.ErrorContains(t, Export(checkpoint, "back", "", file), `unknown --what "back"; known: backbone`)
}

// The preset overrides the method's recipe, and the text overrides the preset.
func TestParseConfig(t *testing.T) {
	c, err := parseConfig("preset: imagenet\nmethod: swav\nepochs: 3\nmethod-option: {epsilon: 0.1}\ndrops: [4]\n")
	require.NoError(t, err)
	assert.Equal(t, []any{"swav", "resnet50", 3, 0.1, 0.1},
		[]any{c.Method, c.Arch, c.Schedule.Epochs, c.MSR.Lambda, c.MethodConfig.Options["epsilon"]})
	assert.Equal(t, 0.1, c.MethodConfig.Temperature, "swav's")
	assert.Equal(t, []int{4}, c.Schedule.Drops)
	c, err = parseConfig("")
	require.NoError(t, err)
	assert.Equal(t, "shapes", c.Data.Name)
}
