package train

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/runfolder"
)

func TestDataRecords(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	d := dataRecord{"a.png of class x, 3 bytes", "b.png of class x, 4 bytes"}
	also, err := d.sameAs(dir)
	require.NoError(t, err, "an older version's run")
	assert.Empty(t, also)
	require.NoError(t, d.write(dir))
	also, err = d.sameAs(dir)
	require.NoError(t, err)
	assert.Contains(t, also, "data-dir")
	for want, now := range map[string]dataRecord{
		"picture 2 was b.png of class x, 4 bytes, and is c.png": {d[0], "c.png"},
		"there were 2 pictures, and are 3: c.png is new":        {d[0], d[1], "c.png"},
		"there were 2 pictures, and are 1: b.png of class x":    {d[0]},
	} {
		_, err := now.sameAs(dir)
		assert.ErrorContains(t, err, want)
	}
	require.NoError(t, os.WriteFile(runfolder.Data(dir), []byte("no gzip"), 0o600))
	_, err = d.sameAs(dir)
	assert.ErrorContains(t, err, "remove it")
}
