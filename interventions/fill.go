package interventions

import (
	"fmt"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/transforms"
)

// holeLevel is the mask's value from which a pixel is not background.
const holeLevel = 16

// Fill returns m without its foreground: a background that another object can stand on. It is an error if there is
// no background to fill from, or if sizes differ.
//
// Pixels of the foreground, and those beside them, are interpolated from the others (Gortler et al., The Lumigraph,
// 1996: pull-push). On photographs copies of displaced background had a larger error, and showed the outline more.
func Fill(m transforms.Image, mask datasets.Mask) (transforms.Image, error) {
	if mask.Width != m.Width || mask.Height != m.Height {
		return m, fmt.Errorf("interventions: a mask of %dx%d pixels for a picture of %dx%d", mask.Width, mask.Height,
			m.Width, m.Height)
	}
	known := knownPixels(mask)
	out := m.Clone()
	if full, empty := count(known); empty {
		return m, fmt.Errorf("interventions: the foreground covers the picture, so that it has no background")
	} else if full {
		return out, nil
	}
	interpolate(out, known)
	return out, nil
}

// knownPixels tells the pixels of the background that are not beside the foreground: those beside it are mixtures.
func knownPixels(mask datasets.Mask) []bool {
	w, h := mask.Width, mask.Height
	known := make([]bool, len(mask.Pix))
	for i := range known {
		known[i] = true
	}
	for y := range h {
		for x := range w {
			if mask.Pix[y*w+x] < holeLevel {
				continue
			}
			for v := max(0, y-1); v <= min(h-1, y+1); v++ {
				for u := max(0, x-1); u <= min(w-1, x+1); u++ {
					known[v*w+u] = false
				}
			}
		}
	}
	return known
}

func count(known []bool) (full, empty bool) {
	full, empty = true, true
	for _, k := range known {
		full, empty = full && k, empty && !k
	}
	return full, empty
}
