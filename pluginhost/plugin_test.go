package pluginhost_test

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pluginFile returns the plugin that `make plugin` built. The first build compiles gotch as position-independent code,
// which takes minutes.
func pluginFile(t *testing.T) string {
	so := os.Getenv("ICLMSR_PLUGIN")
	if so == "" {
		t.Skip("the plugin build takes minutes: `make test-plugin` builds it and runs this test")
	}
	return so
}

// host builds the host program with more flags of go build. It is in a module of its own, which has a copy of this
// package and needs neither other modules nor LibTorch's flags.
func host(t *testing.T, flags ...string) string {
	dir := t.TempDir()
	for from, to := range map[string]string{"testdata/host/main.go": "main.go",
		"pluginhost.go": "pluginhost/pluginhost.go"} {
		data, err := os.ReadFile(from)
		require.NoError(t, err)
		text := strings.ReplaceAll(string(data), "github.com/icl-msr/icl-msr/pluginhost", "example.com/host/pluginhost")
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, to)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, to), []byte(text), 0o644))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/host\n\ngo 1.26.0\n"),
		0o644))
	cmd := exec.Command("go", append(append([]string{"build"}, flags...), "-o", "host", ".")...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_CFLAGS=", "CGO_CXXFLAGS=", "CGO_LDFLAGS=")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return filepath.Join(dir, "host")
}

func TestAHostTrainsAndEmbeds(t *testing.T) {
	so, dir := pluginFile(t), t.TempDir()
	var pictures []string
	for i, name := range []string{"dark.png", "light.png"} {
		m := image.NewGray(image.Rect(0, 0, 20, 20))
		for k := range m.Pix {
			m.SetGray(k%20, k/20, color.Gray{uint8(40 + 150*i + k%20)})
		}
		path := filepath.Join(dir, name)
		f, err := os.Create(path)
		require.NoError(t, err)
		require.NoError(t, png.Encode(f, m))
		require.NoError(t, f.Close())
		pictures = append(pictures, path)
	}
	cmd := exec.Command(host(t), append([]string{so, filepath.Join(dir, "run")}, pictures...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	for _, want := range []string{"plugin API 1\n", " methods\n", "dark.png: 16 features, the first the same " +
		"when loaded: true\n",
		"light.png: 16 features, the first the same when loaded: true\n",
		`an error is a value: unknown method "simcrl"; did you mean "simclr"?`} {
		assert.Contains(t, string(out), want)
	}
	assert.FileExists(t, filepath.Join(dir, "run", "metrics.jsonl"))
}

func TestAHostOfOtherFlagsIsToldSo(t *testing.T) {
	so := pluginFile(t)
	out, err := exec.Command(host(t, "-trimpath"), so, t.TempDir(), "x").CombinedOutput()
	require.Error(t, err)
	assert.Equal(t, "host: plugin "+so+" does not fit this program: -trimpath is true here and not set in the "+
		"plugin: build both with the same -trimpath\n", string(out))
}
