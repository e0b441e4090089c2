package torch_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"
)

// A program starts wherever HOME leads to, and makes nothing there.
func TestTheStartNeedsNoHome(t *testing.T) {
	if os.Getenv("ICLMSR_HOME_TEST") != "" {
		assert.Equal(t, os.Getenv("ICLMSR_HOME_TEST"), gotch.CachedDir)
		return
	}
	there := t.TempDir()
	for _, c := range []struct {
		want string
		env  []string
	}{
		{os.DevNull + "/home/.cache/gotch", []string{"HOME=" + os.DevNull + "/home"}}, // cannot be made
		{"/.cache/gotch", []string{"HOME="}},
		{there + "/.cache/gotch", []string{"HOME=" + there}},
		{os.DevNull + "/x", []string{"HOME=" + there, "GOTCH_CACHE=" + os.DevNull + "/x"}},
	} {
		p := exec.Command(os.Args[0], "-test.run", "^TestTheStartNeedsNoHome$")
		p.Env = append(append([]string{"LD_LIBRARY_PATH=" + os.Getenv("LD_LIBRARY_PATH"), "ICLMSR_HOME_TEST=" + c.want},
			c.env...), "PATH="+os.Getenv("PATH"))
		out, err := p.CombinedOutput()
		require.NoError(t, err, "%v: %s", c.env, out)
	}
	assert.NoDirExists(t, filepath.Join(there, ".cache"), "nothing is made")
}
