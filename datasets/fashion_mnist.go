package datasets

import (
	"fmt"
	"path/filepath"

	"github.com/icl-msr/icl-msr/transforms"
)

// fashionMNIST holds Fashion-MNIST in memory (Xiao et al. 2017, arXiv 1708.07747). The gray pictures
// are centred in 32x32 pixels.
type fashionMNIST struct {
	train  bool
	labels []uint8
	pixels []uint8 // 28x28 each
	cache  *cache
}

const (
	garmentSide = 28
	// debianFashionMNIST is the folder of Debian's package dataset-fashion-mnist.
	debianFashionMNIST = "/usr/share/datasets/fashion-mnist"
)

func openFashionMNIST(o Options) (Dataset, error) { return readFashionMNIST(o.Dir, o.Train) }

func readFashionMNIST(dir string, train bool) (*fashionMNIST, error) {
	if sub := filepath.Join(dir, "FashionMNIST", "raw"); isDir(sub) { // torchvision's layout
		dir = sub
	}
	prefix := map[bool]string{true: "train", false: "t10k"}[train]
	images, err := readIDX(filepath.Join(dir, prefix+"-images-idx3-ubyte"), 3)
	if err != nil {
		return nil, fmt.Errorf("fashion_mnist: %w", err)
	}
	labels, err := readIDX(filepath.Join(dir, prefix+"-labels-idx1-ubyte"), 1)
	if err != nil {
		return nil, fmt.Errorf("fashion_mnist: %w", err)
	}
	if images.dims[1] != garmentSide || images.dims[2] != garmentSide || images.dims[0] != labels.dims[0] {
		return nil, fmt.Errorf(
			"fashion_mnist: %s has pictures %v for %d labels; want 28x28, one for each",
			dir,
			images.dims,
			labels.dims[0],
		)
	}
	for i, l := range labels.data {
		if l > 9 {
			return nil, fmt.Errorf("fashion_mnist: label %d at offset %d of the labels in %s; want 0 to 9", l, 8+i, dir)
		}
	}
	d := &fashionMNIST{train: train, labels: labels.data, pixels: images.data}
	d.cache = newCache(len(d.labels), d.picture)
	return d, nil
}

func (d *fashionMNIST) Name() string    { return splitName("fashion_mnist", d.train) }
func (d *fashionMNIST) Len() int        { return len(d.labels) }
func (d *fashionMNIST) Label(i int) int { return int(d.labels[i]) }
func (d *fashionMNIST) Classes() []string {
	return []string{
		"t-shirt",
		"trouser",
		"pullover",
		"dress",
		"coat",
		"sandal",
		"shirt",
		"sneaker",
		"bag",
		"ankle boot",
	}
}

// garment returns the 28x28 gray values of picture i.
func (d *fashionMNIST) garment(i int) []uint8 {
	return d.pixels[i*garmentSide*garmentSide : (i+1)*garmentSide*garmentSide]
}

func (d *fashionMNIST) Image(i int) (transforms.Image, error) { return d.cache.get(i) }

func (d *fashionMNIST) picture(i int) (transforms.Image, error) {
	const side, border = 32, (32 - garmentSide) / 2
	m := transforms.NewImage(side, side)
	for k, v := range d.garment(i) {
		p := m.Pix[3*((k/garmentSide+border)*side+k%garmentSide+border):]
		p[0], p[1], p[2] = v, v, v
	}
	return m, nil
}
