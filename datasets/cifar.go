package datasets

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/icl-msr/icl-msr/transforms"
)

// cifar10 holds CIFAR-10 in memory (Krizhevsky 2009, binary version): records
// of a label byte and 32x32 red, green and blue planes.
type cifar10 struct {
	train  bool
	labels []uint8
	images []transforms.Image
}

const (
	cifarSide   = 32
	cifarRecord = 1 + 3*cifarSide*cifarSide
)

func openCIFAR10(o Options) (Dataset, error) {
	dir := o.Dir
	if sub := filepath.Join(dir, "cifar-10-batches-bin"); isDir(sub) {
		dir = sub
	}
	files := []string{"test_batch.bin"}
	if o.Train {
		files = []string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"}
	}
	d := &cifar10{train: o.Train}
	for _, name := range files {
		path := filepath.Join(dir, name)
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("cifar10: %w; --data-dir must have the binary version's files", err)
		}
		if err := d.parse(data); err != nil {
			return nil, fmt.Errorf("cifar10: %s: %w", path, err)
		}
	}
	return d, nil
}

// parse adds the records of one file.
func (d *cifar10) parse(data []byte) error {
	if rest := len(data) % cifarRecord; rest != 0 || len(data) == 0 {
		return fmt.Errorf("truncated at offset %d: %d bytes are no whole number of records of %d; fetch it again", len(data)-rest, len(data), cifarRecord)
	}
	const plane = cifarSide * cifarSide
	for at := 0; at < len(data); at += cifarRecord {
		if data[at] > 9 {
			return fmt.Errorf("label %d at offset %d; want 0 to 9: not a CIFAR-10 file, or a damaged one", data[at], at)
		}
		m := transforms.NewImage(cifarSide, cifarSide)
		p := data[at+1 : at+cifarRecord]
		for i := range plane {
			m.Pix[3*i], m.Pix[3*i+1], m.Pix[3*i+2] = p[i], p[plane+i], p[2*plane+i]
		}
		d.labels, d.images = append(d.labels, data[at]), append(d.images, m)
	}
	return nil
}

func (d *cifar10) Name() string                          { return part("cifar10", d.train) }
func (d *cifar10) Len() int                              { return len(d.images) }
func (d *cifar10) Label(i int) int                       { return int(d.labels[i]) }
func (d *cifar10) Image(i int) (transforms.Image, error) { return d.images[i], nil }
func (d *cifar10) Classes() []string {
	return []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}
}
