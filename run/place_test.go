package main

import (
	"context"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/outfile"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/train"
)

// onDevice returns the flags of a run whose pictures are on the device.
func onDevice(more ...string) []string {
	return small(append([]string{"--augment-on", "device", "--keep-on-device", "yes"}, more...)...)
}

// A run that keeps the pictures on the device equals, bit by bit, one that sends them there. It equals one with views
// from the host within rounding. Both hold with and without MSR; f_msr also sees pictures made on the device.
func TestKeptPicturesTrainTheSameNetwork(t *testing.T) {
	for name, more := range map[string][]string{"plain": nil, "msr": {"--msr"}, "parts": {"--msr", "--micro-batch", "8"},
		"views of two sizes": {"--method", "swav", "--msr"}} {
		dir := t.TempDir()
		loss := func(out, where string, args ...string) float64 {
			status, _, errs := do(small(append(append(args, "--out", filepath.Join(dir, out)), more...)...)...)
			require.Zero(t, status, errs)
			assert.Contains(t, errs, "\n"+where+"\n", name)
			metrics, err := train.ReadMetrics(filepath.Join(dir, out))
			require.NoError(t, err)
			return metrics[0].Value("l_ct")
		}
		host := loss("host", "views on the host")
		sent := loss("sent", "views on the device, of pictures sent to it as bytes", "--augment-on", "device")
		there := loss("kept", "views on the device, of 0 MB of pictures kept there", "--augment-on", "device",
			"--keep-on-device", "yes")
		assert.Equal(t, tensors(t, filepath.Join(dir, "sent")), tensors(t, filepath.Join(dir, "kept")), name)
		assert.Equal(t, sent, there, name)
		assert.InDelta(t, host, there, 2e-3, name)
	}
}

// The run is interrupted in the middle of an epoch, in either pass, and resumed.
func TestARunWithKeptPicturesResumes(t *testing.T) {
	dir := t.TempDir()
	whole, cut := filepath.Join(dir, "whole"), filepath.Join(dir, "cut")
	status, _, errs := do(onDevice("--msr", "--out", whole)...)
	require.Zero(t, status, errs)
	args := onDevice("--msr", "--save-after", "1ns", "--out", cut)
	for n := range 3 {
		p, _ := start(t, args...)
		require.Eventually(t, func() bool { return outfile.Exists(runfolder.Last(cut)) }, time.Minute, time.Millisecond)
		time.Sleep(time.Duration(20*n) * time.Millisecond)
		require.NoError(t, p.Process.Kill())
		_ = p.Wait()
		if n == 0 {
			args = append(args, "--resume")
		}
	}
	status, _, errs = do(args...)
	require.Zero(t, status, errs)
	require.Equal(t, tensors(t, whole), tensors(t, cut))
}

// A method that looks at all pictures before an epoch sees them on the device. A method with views by RandAugment has
// those from the host.
func TestMethodsWithKeptPictures(t *testing.T) {
	for method, word := range map[string]string{"pcl": "", "infomin": "note: a view of infomin is made on the host",
		"cmc": ""} {
		dir := t.TempDir()
		args := func(out string, more ...string) []string {
			return append(onDevice("--method", method, "--queue", "32", "--width", "0.25", "--out", filepath.Join(dir, out)),
				more...)
		}
		status, _, errs := do(args("whole")...)
		require.Zero(t, status, errs)
		assert.Contains(t, errs, word)
		ctx, cancel := context.WithCancel(context.Background())
		w := &interrupter{word: "epoch 1/2  loss", stop: cancel}
		require.Equal(t, exitInterrupted, execute(ctx, program{w, w}, args("cut")), w.String())
		cancel()
		status, _, errs = do(args("cut", "--resume")...)
		require.Zero(t, status, errs)
		assert.Equal(t, tensors(t, filepath.Join(dir, "whole")), tensors(t, filepath.Join(dir, "cut")), method)
	}
}

// Two processes that each keep all pictures train the same network, bit by bit, as two to which pictures are sent. It
// equals the network of one process within rounding.
func TestTwoProcessesWithKeptPictures(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	args := func(name string, more ...string) []string {
		return append(onDevice("--msr", "--optimizer", "sgd", "--lr", "0.005", "--out", at(name)), more...)
	}
	status, _, errs := do(args("one")...)
	require.Zero(t, status, errs)
	for name, more := range map[string]string{"kept": "yes", "sent": "no"} {
		p, said := start(t, args(name, "--nproc-per-node", "2", "--keep-on-device", more)...)
		require.NoError(t, p.Wait(), said.String())
		assert.Equal(t, 1, strings.Count(said.String(), "views on the device"), "rank 0 speaks")
	}
	assert.Equal(t, tensors(t, at("sent")), tensors(t, at("kept")))
	near(t, at("one"), at("kept"), 3e-4)
}

func TestPlacesThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	mixed := filepath.Join(dir, "mixed")
	squares(t, mixed, 8, 9)
	for want, c := range map[string]struct {
		status int
		args   []string
	}{
		`unknown --augment-on "gpu"`:           {exitUsage, []string{"--augment-on", "gpu"}},
		`unknown --keep-on-device "ja"`:        {exitUsage, []string{"--keep-on-device", "ja"}},
		"the host makes the views, and has no": {exitUsage, []string{"--augment-on", "host", "--keep-on-device", "yes"}},
		"pictures of 8x8 and of 9x9 pixels (": {1,
			[]string{"--keep-on-device", "yes", "--dataset", "folder", "--data-dir", mixed, "--batch-size", "2"}},
		"give --keep-on-device no": {1,
			[]string{"--keep-on-device", "yes", "--dataset", "folder", "--data-dir", mixed, "--batch-size", "2"}},
	} {
		status, _, errs := do(small(append([]string{"--out", filepath.Join(dir, "run")}, c.args...)...)...)
		assert.Equal(t, c.status, status, errs)
		assert.Contains(t, errs, want)
	}
}

// squares writes a folder of black pictures in two classes: two for training and one for testing of each side.
func squares(t *testing.T, dir string, sides ...int) {
	for n, side := range sides {
		for _, part := range []string{"train", "test"} {
			for k := range 2 {
				file := filepath.Join(dir, part, string(rune('a'+k)), string(rune('0'+n))+".png")
				require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
				f, err := os.Create(file)
				require.NoError(t, err)
				require.NoError(t, png.Encode(f, image.NewRGBA(image.Rect(0, 0, side, side))))
				require.NoError(t, f.Close())
			}
		}
	}
}

// Views made on the device equal those of the host within rounding, so the same seed trains nearly the same network.
// --augment-option changes both.
func TestViewsOnTheDevice(t *testing.T) {
	loss := func(more ...string) float64 {
		out := filepath.Join(t.TempDir(), "run")
		status, _, errs := do(small(append([]string{"--out", out}, more...)...)...)
		require.Zero(t, status, errs)
		metrics, err := train.ReadMetrics(out)
		require.NoError(t, err)
		return metrics[0].Value("l_ct")
	}
	host := loss()
	device := loss("--augment-on", "device")
	assert.InDelta(t, host, device, 2e-3)
	assert.NotEqual(t, host, device, "colours are rounded apart somewhere")
	other := loss("--augment-option", "crop-min=0.9", "--augment-option", "jitter=0,flip=0")
	assert.Greater(t, host, other+0.05, "views that differ less are easier to tell from others")
	for want, more := range map[string][]string{`unknown --augment-on "gpu"`: {"--augment-on", "gpu"},
		`unknown --augment-option "crop"`: {"--augment-option", "crop=0.5"}, "crop scale 2 to 1": {"--augment-option",
			"crop-min=2"}} {
		status, _, errs := do(small(append([]string{"--out", filepath.Join(t.TempDir(), "run")}, more...)...)...)
		assert.Equal(t, exitUsage, status)
		assert.Contains(t, errs, want)
	}
}
