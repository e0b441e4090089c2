package outfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/torchscript"
)

func TestOutputsThatWouldDestroyAreRefused(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string) { require.NoError(t, os.WriteFile(at(name), []byte(text), 0o600)) }
	require.NoError(t, os.MkdirAll(filepath.Dir(runfolder.Last(at("run"))), 0o755))
	require.NoError(t, os.WriteFile(runfolder.Config(at("run")), nil, 0o600))
	write("there.npy", "rows")
	write("input.csv", "list")
	write("jpeg", "\xff\xd8\xff\xe0")
	write("webp", "RIFF....WEBPVP8 ")
	require.NoError(t, os.Link(at("input.csv"), at("hard.csv")))
	require.NoError(t, torchscript.WriteSafetensorsFile(at("copy.safetensors"), nil,
		map[string]string{"config": "a: 1", "format": "icl-msr checkpoint 1", "position": "{}"}))
	require.NoError(t, torchscript.WriteSafetensorsFile(at("other.safetensors"), nil, map[string]string{"format": "pt"}))
	for _, c := range []struct{ name, want, forced string }{
		{"new.npy", "", ""},
		{"new.JPG", "names a picture", "names a picture"},
		{"run/checkpoints/last.safetensors", "is part of the run in", "is part of the run in"},
		{"run/checkpoints/new.safetensors", "is part of the run in", "is part of the run in"},
		{"run/config.yaml", "is part of the run in", "is part of the run in"},
		{"there.npy", "there.npy is there already; Force writes over it", ""},
		{"other.safetensors", "Force writes over it", ""},
		{"copy.safetensors", "holds a checkpoint", "holds a checkpoint"},
		{"jpeg", "holds a picture", "holds a picture"},
		{"webp", "holds a picture", "holds a picture"},
		{"hard.csv", "is what is to be read", "is what is to be read"},
		{"run", "is a folder", "is a folder"},
		{"../../../../../../../dev/null", "is not a plain file", "is not a plain file"},
	} {
		for force, want := range map[bool]string{false: c.want, true: c.forced} {
			err := File{Setting: "{train.Out}", Path: at(c.name), Force: force, Inputs: []string{at("none"),
				at("input.csv")}}.Check()
			if want == "" {
				assert.NoError(t, err, c.name)
				continue
			}
			assert.ErrorContains(t, err, want, c.name)
			assert.ErrorContains(t, err, "Out "+at(c.name), c.name)
		}
	}
	assert.NoError(t, File{Path: at("new.png"), Picture: true}.Check())
	assert.ErrorContains(t, File{Path: at("jpeg"), Picture: true}.Check(), "Force writes over it")
	assert.NoError(t, File{Path: at("jpeg"), Picture: true, Force: true}.Check())
}
