package datasets_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
)

func TestConfounded(t *testing.T) {
	dir := t.TempDir()
	fashion(t, filepath.Join(dir, "garments"))
	pictures(t, filepath.Join(dir, "places"), 10, 20)
	for _, fg := range []string{"", filepath.Join(dir, "garments")} {
		ds, err := datasets.Open(
			datasets.Options{
				Name:        "confounded",
				Dir:         filepath.Join(dir, "places"),
				Train:       true,
				Foreground:  fg,
				Correlation: 1,
			},
		)
		require.NoError(t, err)
		for i := range 10 {
			m, err := ds.Image(i + 10)
			require.NoError(t, err)
			// The corner shows the background, whose red is its class's number.
			assert.Equal(t, uint8(ds.Label(i+10)), m.Pix[0], "%q picture %d", fg, i)
		}
	}
}

// shareOverOwnClass returns the share of pictures whose background has their label's number as class. The
// red of the corner is that class.
func shareOverOwnClass(t *testing.T, ds datasets.Dataset) float64 {
	own := 0.0
	for i := range ds.Len() {
		m, err := ds.Image(i)
		require.NoError(t, err)
		if int(m.Pix[0]) == ds.Label(i) {
			own++
		}
	}
	return own / float64(ds.Len())
}

func TestConfoundedCorrelation(t *testing.T) {
	dir := t.TempDir()
	pictures(t, dir, 10, 20)
	for _, train := range []bool{true, false} {
		for correlation, want := range map[float64]float64{0: 0.1, 0.5: 0.55, 1: 1} { // c + (1-c)/10
			ds, err := datasets.Open(
				datasets.Options{Name: "confounded", Dir: dir, Train: train, Count: 2000, Correlation: correlation},
			)
			require.NoError(t, err)
			assert.InDelta(t, want, shareOverOwnClass(t, ds), 0.045)
			assert.InDelta(
				t,
				0.1,
				shareOverOwnClass(t, datasets.WithVariant(ds.(datasets.Foreground), datasets.NewBackground)),
				0.03,
			)
			m, err := ds.Image(0)
			require.NoError(t, err)
			// Every tenth picture of a class, numbers 9 and 19, is for testing; green is the number.
			assert.Equal(t, !train, m.Pix[1]%10 == 9, "backgrounds come from the part's own pictures")
		}
	}
}
