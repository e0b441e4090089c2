package interventions

import (
	"fmt"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/transforms"
)

// holeLevel is the mask's value from which on a pixel is not taken for background.
const holeLevel = 16

// Fill returns m without its foreground: a background that another object can be put on. It returns an error if there
// is no background to fill from, or if sizes differ.
//
// Pixels of the foreground, and pixels beside it, are interpolated from the others (pull-push; Gortler et al., The
// Lumigraph, 1996). Copying displaced background was tried on photographs: its error was larger, and the outline of the
// object was more visible.
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

// knownPixels marks the pixels of the background, except those beside the foreground, whose colours are mixtures.
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
