package datasets

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/icl-msr/icl-msr/transforms"
)

// fashionMNIST holds Fashion-MNIST in memory (Xiao et al. 2017), gray, centred
// in 32x32 pixels.
type fashionMNIST struct {
	train  bool
	labels []uint8
	pixels []uint8 // 28x28 each
}

const garmentSide = 28

func openFashionMNIST(o Options) (Dataset, error) { return readFashionMNIST(o.Dir, o.Train) }

func readFashionMNIST(dir string, train bool) (*fashionMNIST, error) {
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
		return nil, fmt.Errorf("fashion_mnist: %s has pictures %v for %d labels; want 28x28, one for each", dir, images.dims, labels.dims[0])
	}
	for i, l := range labels.data {
		if l > 9 {
			return nil, fmt.Errorf("fashion_mnist: label %d at offset %d of the labels in %s; want 0 to 9", l, 8+i, dir)
		}
	}
	return &fashionMNIST{train, labels.data, images.data}, nil
}

func (d *fashionMNIST) Name() string    { return part("fashion_mnist", d.train) }
func (d *fashionMNIST) Len() int        { return len(d.labels) }
func (d *fashionMNIST) Label(i int) int { return int(d.labels[i]) }
func (d *fashionMNIST) Classes() []string {
	return []string{"t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"}
}

// garment returns the gray values of picture i, 28x28.
func (d *fashionMNIST) garment(i int) []uint8 {
	return d.pixels[i*garmentSide*garmentSide : (i+1)*garmentSide*garmentSide]
}

func (d *fashionMNIST) Image(i int) (transforms.Image, error) {
	const side, border = 32, (32 - garmentSide) / 2
	m := transforms.NewImage(side, side)
	for k, v := range d.garment(i) {
		p := m.Pix[3*((k/garmentSide+border)*side+k%garmentSide+border):]
		p[0], p[1], p[2] = v, v, v
	}
	return m, nil
}

// idx is an array of bytes in LeCun's IDX format.
type idx struct {
	dims []int
	data []byte
}

// readIDX reads path, or path.gz.
func readIDX(path string, rank int) (idx, error) {
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		var packed []byte
		if packed, err = os.ReadFile(path + ".gz"); err == nil {
			path += ".gz"
			data, err = gunzip(packed)
		} else if os.IsNotExist(err) {
			return idx{}, fmt.Errorf("neither %s nor %s.gz is there", path, filepath.Base(path))
		}
	}
	if err != nil {
		return idx{}, fmt.Errorf("%s: %w", path, err)
	}
	x, err := parseIDX(data, rank)
	if err != nil {
		return idx{}, fmt.Errorf("%s: %w", path, err)
	}
	return x, nil
}

// maxIDX bounds an unpacked IDX file.
const maxIDX = 1 << 30

func gunzip(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(z, maxIDX+1))
	if err == nil && len(data) > maxIDX {
		err = fmt.Errorf("unpacks to more than %d bytes", maxIDX)
	}
	return data, err
}

func parseIDX(data []byte, rank int) (idx, error) {
	header := 4 + 4*rank
	if len(data) < header {
		return idx{}, fmt.Errorf("truncated at offset %d, in its header of %d bytes", len(data), header)
	}
	if want := uint32(0x0800 + rank); binary.BigEndian.Uint32(data) != want {
		return idx{}, fmt.Errorf("magic number %#08x at offset 0; want %#08x (bytes of %d dimensions)", binary.BigEndian.Uint32(data), want, rank)
	}
	x := idx{}
	total := uint64(1)
	for k := range rank {
		n := binary.BigEndian.Uint32(data[4+4*k:])
		if n == 0 || total > maxIDX/uint64(n) {
			return idx{}, fmt.Errorf("dimension %d at offset %d", n, 4+4*k)
		}
		total *= uint64(n)
		x.dims = append(x.dims, int(n))
	}
	if got := uint64(len(data) - header); got != total {
		return idx{}, fmt.Errorf("%d bytes of data after offset %d; its header declares %d", got, header, total)
	}
	x.data = data[header:]
	return x, nil
}
