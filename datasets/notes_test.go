package datasets

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/transforms"
)

// noted is a data set such as another module may have, with a foreground, notes and a file.
type noted struct {
	*memory
	closed *int
}

func (noted) Notes() []string {
	return []string{"a word", "another", "a word"}
}
func (noted) Box(int) transforms.Box                               { return transforms.Box{} }
func (d noted) Close() error                                       { *d.closed++; return nil }
func (d noted) Variant(i int, _ Variant) (transforms.Image, error) { return d.Image(i) }

func TestNotesAndCloseReachWhatIsWrapped(t *testing.T) {
	closed := 0
	ds := noted{&memory{classes: []string{"a"}, labels: []int{0, 0}, images: make([]transforms.Image, 2)}, &closed}
	some, err := Share(WithVariant(ds, ForegroundOnly), 0.5, 1)
	require.NoError(t, err)
	for _, d := range []Dataset{ds, WithVariant(ds, Full), some} {
		assert.Equal(t, []string{"a word", "another"}, Notes(d))
		require.NoError(t, Close(d))
	}
	assert.Equal(t, 3, closed)
	assert.Empty(t, Notes(struct{ Dataset }{ds}))
	assert.NoError(t, Close(nil))
}

// Such a label would otherwise fail at the end of an evaluation.
func TestLabelsBeyondTheClassesAreRefused(t *testing.T) {
	for label, want := range map[int]string{
		2:  "m: picture 1 has label 2; want one below the 2 classes",
		-2: "label -2",
		1:  "",
		-1: "",
	} {
		err := checkLabels(
			&memory{
				name:    "m",
				classes: []string{"a", "b"},
				labels:  []int{0, label},
				images:  make([]transforms.Image, 2),
			},
		)
		if want == "" {
			assert.NoError(t, err)
			continue
		}
		assert.ErrorContains(t, err, want)
	}
}

func TestUnlabelledNotesThatItTakesBothSplits(t *testing.T) {
	dir := t.TempDir()
	data, err := os.ReadFile("testdata/decode/rgb.png")
	require.NoError(t, err)
	for _, part := range []string{"Train", "val"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, part), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, part, "0.png"), data, 0o600))
	}
	ds, err := Open(Options{Name: "unlabelled", Dir: dir, Train: true})
	require.NoError(t, err)
	assert.Equal(t, 2, ds.Len())
	train := filepath.Join(dir, "Train")
	assert.Equal(
		t,
		[]string{
			dir + " has Train and val, and the pictures of both are taken; the folder " + train + " has the first alone",
		},
		Notes(ds),
	)
	ds, err = Open(Options{Name: "unlabelled", Dir: train, Train: true})
	require.NoError(t, err)
	assert.Empty(t, Notes(ds))
}
