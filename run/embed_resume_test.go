package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/runfolder"
)

// A resumed run writes the same bytes as an uninterrupted one, wherever the file was cut.
func TestEmbeddingsGoOn(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "\"odd\", na\nme \xff.png")
	require.NoError(t, os.WriteFile(bad, nil, 0o600))
	pictures := []string{"testdata/init", bad, "testdata/init/b.png", "testdata/init/a.png"}
	for _, format := range []string{"csv", "jsonl", "npy", "safetensors"} {
		whole, cut := filepath.Join(dir, "whole."+format), filepath.Join(dir, "cut."+format)
		embedFile(t, whole, pictures...)
		want, err := os.ReadFile(whole)
		require.NoError(t, err)
		names := map[string]string{}
		for _, n := range []string{"whole", "cut"} {
			names[n] = filepath.Join(dir, n+"."+format+".names.txt")
		}
		wantNames, err := os.ReadFile(names["whole"])
		require.True(t, err == nil || errors.Is(err, fs.ErrNotExist) && !strings.Contains("npy safetensors", format))
		ctx, cancel := context.WithCancel(context.Background())
		args := append([]string{"embed", "--init", moco, "--threads", "1", "--batch-size", "2", "--out", cut}, pictures...)
		status := execute(ctx, program{&strings.Builder{}, &stopAfter{1, cancel}}, args)
		require.Equal(t, exitInterrupted, status)
		status, _, errs := do(args...)
		assert.Equal(t, exitFailure, status)
		assert.Contains(t, errs, "exists from an interrupted run: continue it with --resume")
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
		// An error names what differs: settings, pictures or the network.
		about, err := os.ReadFile(cut + ".partial.json")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(cut+".partial", want, 0o600))
		require.NoError(t, os.WriteFile(names["cut"]+".partial", wantNames, 0o600))
		refused := func(want string, more ...string) {
			t.Helper()
			status, _, errs := do(append([]string{"embed", "--init", moco, "--threads", "1", "--batch-size", "2", "--out", cut,
				"--resume"}, more...)...)
			assert.Equal(t, exitFailure, status)
			assert.Contains(t, errs, want)
			assert.Equal(t, 1, strings.Count(errs, "\n")-strings.Count(errs, "--init "+moco)-strings.Count(errs, "note: "), errs)
		}
		refused("was made with size 32, not 16", append([]string{"--size", "16"}, pictures...)...)
		refused("is of other pictures (6, not 1)", "testdata/init/b.png")
		swapped := append([]string{pictures[0], pictures[1], pictures[3]}, pictures[2])
		refused("is of other pictures (6, with other names, classes or contents, or in another order)", swapped...)
		require.NoError(t, os.WriteFile(cut+".partial.json", []byte(`{"of":"moco.pth (99 bytes)","format":"`+format+`"}`),
			0o600))
		refused(cut+".partial is of an older version", pictures...)
		require.NoError(t, os.Remove(cut+".partial.json"))
		refused("has no "+cut+".partial.json beside it", pictures...)
		require.NoError(t, os.Remove(cut+".partial"))

		// A complete file stays unchanged.
		status, _, errs = do(append(args, "--resume")...)
		require.Zero(t, status, errs)
		assert.Contains(t, errs, "is whole already")
		refused("was made with size 32, not 16", append([]string{"--size", "16"}, pictures...)...)
		status, _, errs = do(args...)
		assert.Equal(t, exitUsage, status)
		assert.Contains(t, errs, "is there already; --force writes over it")
		require.NoError(t, os.Rename(cut+".about.json", cut+".gone"))
		refused("has no "+cut+".about.json beside it", pictures...)
		require.NoError(t, os.Rename(cut+".gone", cut+".about.json"))

		// A run that was interrupted while it renamed its files renames the rest.
		require.NoError(t, os.Rename(cut, cut+".partial"))
		require.NoError(t, os.Rename(cut+".about.json", cut+".partial.json"))
		embedFile(t, cut, append([]string{"--resume"}, pictures...)...)
		got, err := os.ReadFile(cut)
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got))
		require.NoError(t, os.WriteFile(cut, want[1:], 0o600))
		refused("was changed since it was written", pictures...)
		embedFile(t, cut, append([]string{"--force"}, pictures...)...)
		got, err = os.ReadFile(cut)
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got))
		require.NotEmpty(t, about)
	}
}

// A checkpoint that was replaced by one of the same length counts as another network.
func TestResumeTellsNetworksApart(t *testing.T) {
	dir := t.TempDir()
	one, other := filepath.Join(dir, "one"), filepath.Join(dir, "other")
	for run, seed := range map[string]string{one: "1", other: "2"} {
		status, _, errs := do(small("--epochs", "1", "--seed", seed, "--out", run)...)
		require.Zero(t, status, errs)
	}
	for _, what := range []string{"features", "projection"} {
		out := filepath.Join(dir, what+".npy")
		args := []string{"embed", "--run", one, "--what", what, "--threads", "1", "--out", out}
		status, _, errs := do(args...)
		require.Zero(t, status, errs)
		kept, err := os.ReadFile(runfolder.Last(one))
		require.NoError(t, err)
		swapped, err := os.ReadFile(runfolder.Last(other))
		require.NoError(t, err)
		require.Len(t, swapped, len(kept))
		require.NoError(t, os.WriteFile(runfolder.Last(one), swapped, 0o600))
		status, _, errs = do(append(args, "--resume")...)
		assert.Equal(t, exitFailure, status)
		assert.Contains(t, errs, "is of another network")
		require.NoError(t, os.WriteFile(runfolder.Last(one), kept, 0o600))
		copied := filepath.Join(dir, "copy.safetensors")
		require.NoError(t, os.WriteFile(copied, kept, 0o600))
		status, _, errs = do("embed", "--checkpoint", copied, "--what", what, "--threads", "1", "--out", out, "--resume")
		assert.Zero(t, status, "the same network under another name: %s", errs)
		assert.Contains(t, errs, "is whole already")
	}
}
