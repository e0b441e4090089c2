package interventions

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/transforms"
)

// MaskSource gives the foregrounds of a data set's pictures. Several goroutines may use it at a time, each with a
// scratch of its own.
type MaskSource interface {
	// MaskOf returns the foreground of picture i. m is that picture.
	MaskOf(i int, m transforms.Image, b *Scratch) (datasets.Mask, error)
}

// Estimated estimates masks from the pictures alone.
type Estimated struct{ Estimator }

// MaskOf implements MaskSource. It softens the edges of the mask by a pixel.
func (e Estimated) MaskOf(_ int, m transforms.Image, b *Scratch) (datasets.Mask, error) {
	return feather(e.Estimate(m, b)), nil
}

// Known returns the masks that the data set knows (datasets.MaskOf).
type Known struct{ Dataset datasets.Dataset }

// NewKnown returns the masks of ds. It returns an error if ds knows none.
func NewKnown(ds datasets.Dataset) (Known, error) {
	if !datasets.HasMasks(ds) {
		return Known{}, fmt.Errorf("%s does not know the foreground of its pictures; estimate it, or give masks",
			ds.Name())
	}
	return Known{ds}, nil
}

// MaskOf implements MaskSource.
func (k Known) MaskOf(i int, _ transforms.Image, _ *Scratch) (datasets.Mask, error) {
	return datasets.MaskOf(k.Dataset, i)
}

// Folder reads masks from a folder, which has a file for each picture of the data set. The mask of the picture
// PATH/CLASS/NAME.jpg is Dir/CLASS/NAME.png or Dir/NAME.png. The mask of a picture without a file, such as number 7, is
// Dir/7.png. White is foreground. A mask of another size is resized to its picture's.
type Folder struct {
	Dir     string
	Dataset datasets.Dataset
}

// NewFolder returns the masks in dir. It returns an error if a picture of ds has none.
func NewFolder(dir string, ds datasets.Dataset) (Folder, error) {
	f := Folder{dir, ds}
	for i := range ds.Len() {
		if _, err := f.path(i); err != nil {
			return f, err
		}
	}
	return f, nil
}

// path returns the file with the mask of picture i.
func (f Folder) path(i int) (string, error) {
	name := datasets.PictureName(f.Dataset, i)
	base := filepath.Base(name)
	base = strings.TrimSuffix(base, filepath.Ext(base)) + ".png"
	tried := []string{filepath.Join(f.Dir, filepath.Base(filepath.Dir(name)), base), filepath.Join(f.Dir, base)}
	for _, path := range tried {
		_, err := os.Stat(path)
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("interventions: %w", err)
		}
	}
	return "", fmt.Errorf("interventions: no mask of picture %s: neither %s nor %s is there", name, tried[0], tried[1])
}

// MaskOf implements MaskSource.
func (f Folder) MaskOf(i int, m transforms.Image, _ *Scratch) (datasets.Mask, error) {
	path, err := f.path(i)
	if err != nil {
		return datasets.Mask{}, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return datasets.Mask{}, fmt.Errorf("interventions: %w", err)
	}
	g, err := datasets.Decode(data)
	if err != nil {
		return datasets.Mask{}, fmt.Errorf("interventions: %s: %w", path, err)
	}
	mask := datasets.NewMask(g.Width, g.Height)
	for k := range mask.Pix {
		p := g.Pix[3*k : 3*k+3]
		mask.Pix[k] = max(p[0], p[1], p[2])
	}
	return resizeMask(mask, m.Width, m.Height), nil
}
