package interventions_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/interventions"
)

func TestExplore(t *testing.T) {
	for _, o := range []datasets.Options{
		{Name: "shapes", Size: 32}, {Name: "shapes", Size: 64},
		{Name: "confounded", Size: 32, Dir: os.Getenv("PHOTOS")}, {Name: "confounded", Size: 64, Dir: os.Getenv("PHOTOS")},
	} {
		o.Train, o.Correlation, o.Seed, o.Count = true, 0.5, 7, 300
		ds, err := datasets.Open(o)
		require.NoError(t, err)
		for _, e := range interventions.Estimators() {
			var b interventions.Scratch
			sum, lo := 0.0, 0
			for i := range 300 {
				m, err := ds.Image(i)
				require.NoError(t, err)
				true_, err := datasets.MaskOf(ds, i)
				require.NoError(t, err)
				iou := interventions.IoU(e.Estimate(m, &b), true_)
				if iou < 0.5 {
					lo++
				}
				sum += iou / 300
			}
			fmt.Printf("%s %d %s: IoU %.3f, below 0.5: %d\n", o.Name, o.Size, e.Name, sum, lo)
		}
	}
}

func BenchmarkEstimators(b *testing.B) {
	for _, name := range []string{"shapes", "confounded"} {
		for _, size := range []int{32, 64} {
			ds, err := datasets.Open(datasets.Options{Name: name, Size: size, Dir: os.Getenv("PHOTOS"), Train: true, Count: 64, Correlation: 0.5})
			require.NoError(b, err)
			for _, e := range interventions.Estimators() {
				b.Run(fmt.Sprintf("%s/%d/%s", name, size, e.Name), func(b *testing.B) {
					var s interventions.Scratch
					for i := range 64 {
						ds.Image(i)
					}
					for i := 0; b.Loop(); i++ {
						m, _ := ds.Image(i % 64)
						e.Estimate(m, &s)
					}
				})
			}
		}
	}
}
