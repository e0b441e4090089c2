package main

import (
	"archive/zip"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/torchscript"
	"github.com/icl-msr/icl-msr/train"
)

// A run is exported in every format. Its TorchScript is trained further, exported again, and evaluated to the same
// features as the run itself.
func TestExportAndBack(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	ok := func(args ...string) string {
		t.Helper()
		status, out, errs := do(args...)
		require.Zero(t, status, errs)
		return out
	}
	ok(small("--msr", "--out", at("run"))...)
	for _, what := range train.ExportKinds() {
		for _, ending := range []string{".pt", ".safetensors", ".ts", ".onnx"} {
			out := ok("export", "--run", at("run"), "--what", what, "--out", at(what+ending))
			assert.Contains(t, out, what+" of "+runfolder.Last(at("run"))+" after 2 epochs")
			info, err := os.Stat(at(what + ending))
			require.NoError(t, err)
			assert.Greater(t, info.Size(), int64(1000))
		}
	}
	written, meta, err := torchscript.ReadSafetensorsFile(at("backbone.safetensors"))
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"format": "pt"}, meta)
	saved := tensors(t, at("run"))
	for _, w := range written {
		assert.Equal(t, saved["backbone."+w.Name], w.Data, w.Name)
	}
	_, ok1 := torchscript.Find(written, "fc.weight")
	assert.False(t, ok1)
	ok("export", "--run", at("run"), "--fc", "zeros", "--out", at("fc.pt"))
	z, err := zip.OpenReader(at("fc.pt"))
	require.NoError(t, err)
	defer z.Close()
	assert.Len(t, z.File, 4+len(written)+2, "fc.weight and fc.bias are added")

	ok("export", "--run", at("run"), "--preprocess", "--format", "torchscript", "--out", at("pictures.pt"))
	plain, err := torch.LoadScript(at("backbone.ts"), gotch.CPU)
	require.NoError(t, err)
	ready, err := torch.LoadScript(at("pictures.pt"), gotch.CPU)
	require.NoError(t, err)
	require.NoError(t, torch.With(func(s *torch.Scope) error {
		p, b := plain.Tensors(s)
		levels := torch.FromSlice(s, make([]uint8, 2*3*20*30), gotch.CPU, 2, 3, 20, 30)
		c := train.Default()
		c.Size = 16
		aug, err := c.Augmentation()
		require.NoError(t, err)
		var black []float32 // normalised
		for range 2 {
			for ch := range 3 {
				for range 16 * 16 {
					black = append(black, float32(-aug.Plain.Norm.Mean[ch]/aug.Plain.Norm.Std[ch]))
				}
			}
		}
		want := torch.Slice[float32](s, s.Run(plain, p, b, torch.FromSlice(s, black, gotch.CPU, 2, 3, 16, 16), false, false))
		p, b = ready.Tensors(s)
		got := torch.Slice[float32](s, s.Run(ready, p, b, levels, false, false))
		assert.InDeltaSlice(t, want, got, 1e-5)
		return nil
	}))

	// At a rate of nearly zero nothing is learnt: the backbone equals the exported one.
	ok(small("--arch", "torchscript:"+at("backbone.ts"), "--lr", "1e-30", "--weight-decay", "0", "--msr", "--meta-every",
		"2", "--out", at("again"))...)
	again := tensors(t, at("again"))
	assert.Equal(t, saved["backbone.layer1.0.conv1.weight"], again["backbone.layer1.0.conv1.weight"])
	assert.NotEqual(t, saved["backbone.bn1.running_mean"], again["backbone.bn1.running_mean"],
		"training moves the running statistics")
	ok("export", "--run", at("again"), "--out", at("again.ts"))
	ok("eval", "--run", at("again"), "--epochs", "1", "--save-features", at("features"))
	rewritten, err := torch.LoadScript(at("again.ts"), gotch.CPU)
	require.NoError(t, err)
	require.NoError(t, torch.With(func(s *torch.Scope) error {
		_, b := rewritten.Tensors(s)
		for i, name := range rewritten.Buffers {
			assert.Equal(t, again["backbone."+name], s.Bytes(b[i]), name)
		}
		return nil
	}))
	for format, want := range map[string]string{"onnx": "the code of a TorchScript backbone is its own", "pt": ""} {
		status, _, errs := do("export", "--run", at("again"), "--format", format, "--out", at("x."+format))
		assert.Equal(t, want != "", status != 0)
		assert.Contains(t, errs, want)
	}
	require.NoError(t, os.Remove(at("backbone.ts")))
	status, _, errs := do("eval", "--run", at("again"))
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "no file "+at("backbone.ts")+": a TorchScript backbone's code is in its file alone")
}

// Two runs have the same features if the network of one is the other's TorchScript.
func TestAScriptIsEvaluatedAsTheRunIs(t *testing.T) {
	dir := t.TempDir()
	run, script, again := filepath.Join(dir, "run"), filepath.Join(dir, "net.ts"), filepath.Join(dir, "again")
	for _, args := range [][]string{
		small("--out", run),
		{"export", "--run", run, "--out", script},
		small("--arch", "torchscript:"+script, "--lr", "1e-30", "--weight-decay", "0", "--out", again),
	} {
		status, _, errs := do(args...)
		require.Zero(t, status, errs)
	}
	one, err := train.Load(runfolder.Last(run))
	require.NoError(t, err)
	other, err := train.Load(runfolder.Last(again))
	require.NoError(t, err)
	other.Tensors = one.Tensors // the statistics of the run itself
	features := func(k train.Checkpoint) (out []float32) {
		require.NoError(t, torch.With(func(s *torch.Scope) error {
			st, err := k.Config.State(s, 0)
			require.NoError(t, err)
			require.NoError(t, k.Fill(st.Encoder()))
			require.NoError(t, torch.ManualSeed(1))
			out = torch.Slice[float32](s, st.Features(s, s.Normal(0, 1, torch.Float32(), 5, 3, 16, 16)))
			return s.Err()
		}))
		return out
	}
	want, got := features(one), features(other)
	scale := 0.0
	for _, v := range want {
		scale = max(scale, math.Abs(float64(v)))
	}
	assert.InDeltaSlice(t, want, got, 1e-5*scale)
}

func TestExportRefusals(t *testing.T) {
	dir := t.TempDir()
	run := filepath.Join(dir, "run")
	status, _, errs := do(small("--out", run)...)
	require.Zero(t, status, errs)
	for _, c := range []struct {
		status int
		want   string
		args   []string
	}{
		{exitUsage, "--out FILE is missing", nil},
		{exitUsage, "its ending tells no format", []string{"--out", "x.bin"}},
		{exitUsage, `did you mean "backbone"?`, []string{"--out", "x.pt", "--what", "backbon"}},
		{exitUsage, "--fc zeros goes with --what backbone", []string{"--out", "x.onnx", "--fc", "zeros"}},
		{exitUsage, "--fc ones", []string{"--out", "x.pt", "--fc", "ones"}},
		{exitUsage, "--preprocess goes with --format torchscript", []string{"--out", "x.pt", "--preprocess"}},
		{exitFailure, "this run has no f_msr", []string{"--out", filepath.Join(dir, "x.pt"), "--what", "f_msr"}},
		{exitFailure, "cannot write", []string{"--out", filepath.Join(dir, "none", "x.pt")}},
		{exitUsage, "is part of the run in", []string{"--force", "--out", runfolder.Last(run)}},
		{exitUsage, "is part of the run in",
			[]string{"--out", filepath.Join(filepath.Dir(runfolder.Last(run)), "backbone.pt")}},
		{exitUsage, "names a picture", []string{"--force", "--out", filepath.Join(dir, "a.jpg")}},
		{exitUsage, "there.pt is there already; --force writes over it", []string{"--out", filepath.Join(dir, "there.pt")}},
		{0, "", []string{"--force", "--out", filepath.Join(dir, "there.pt")}},
	} {
		if c.want == "there.pt is there already; --force writes over it" {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "there.pt"), nil, 0o600))
		}
		status, _, errs := do(append([]string{"export", "--run", run}, c.args...)...)
		assert.Equal(t, c.status, status, errs)
		assert.Contains(t, errs, c.want)
	}
	status, _, errs = do(small("--arch", "torchscript:../nets/testdata/frozen.pt", "--out",
		filepath.Join(dir, "frozen"))...)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "it can be evaluated, not trained")
}

// A network with values that are not finite is not exported.
func TestNumbersThatAreNotFinite(t *testing.T) {
	dir := t.TempDir()
	run := filepath.Join(dir, "run")
	status, _, errs := do(small("--epochs", "1", "--out", run)...)
	require.Zero(t, status, errs)
	ts, meta, err := torchscript.ReadSafetensorsFile(runfolder.Last(run))
	require.NoError(t, err)
	for i := range ts {
		if ts[i].Name == "backbone.layer3.0.conv1.weight" {
			copy(ts[i].Data[8:], "\x00\x00\xc0\x7f")
		}
	}
	file := filepath.Join(dir, "nan.safetensors")
	require.NoError(t, torchscript.WriteSafetensorsFile(file, ts, meta))
	for _, ending := range []string{".pt", ".safetensors", ".ts", ".onnx"} {
		out := filepath.Join(dir, "x"+ending)
		status, _, errs := do("export", "--checkpoint", file, "--out", out)
		assert.Equal(t, exitFailure, status)
		assert.Contains(t, errs, "run: "+file+": 1 of the ")
		assert.Contains(t, errs, " numbers of backbone.layer3.0.conv1.weight are not finite")
		assert.NoFileExists(t, out)
	}
	for out, format := range map[string]string{"-": "csv", "x.npy": "npy", "x.csv": "csv"} {
		path := filepath.Join(dir, out)
		if out == "-" {
			path = out
		}
		status, printed, errs := do("embed", "--checkpoint", file, "--threads", "1", "--format", format, "--out", path,
			"testdata/init")
		assert.Equal(t, exitFailure, status)
		assert.Contains(t, errs, "run: features of 3 of 3 pictures are not finite (the first testdata/init/a.png)")
		assert.NotContains(t, printed, "png")
	}
	_, err = Embed(t.Context(), file, []string{"testdata/init/a.png"})
	assert.ErrorContains(t, err, "features of 1 of 1 pictures are not finite")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, left, 2, "the run and its checkpoint")
}
