package embedding

import (
	"fmt"
	"sync"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/transforms"
)

// readable is the part of a data set from one picture on. If a picture cannot be read, bad decides: if it returns nil,
// the picture is black and marked. If bad is nil, the error is returned.
type readable struct {
	datasets.Dataset
	from int
	bad  func(picture int, err error) error

	lock  sync.Mutex
	black map[int]bool
}

func (d *readable) Len() int        { return d.Dataset.Len() - d.from }
func (d *readable) Label(i int) int { return d.Dataset.Label(d.from + i) }

func (d *readable) Image(i int) (transforms.Image, error) {
	m, err := d.Dataset.Image(d.from + i)
	if err == nil || d.bad == nil {
		return m, err
	}
	if err := d.bad(d.from+i, fmt.Errorf("picture %d of %s: %w", d.from+i, d.Name(), err)); err != nil {
		return m, err
	}
	d.lock.Lock()
	defer d.lock.Unlock()
	if d.black == nil {
		d.black = map[int]bool{}
	}
	d.black[i] = true
	return transforms.NewImage(8, 8), nil
}

// isBad reports whether picture i could not be read.
func (d *readable) isBad(i int) bool {
	d.lock.Lock()
	defer d.lock.Unlock()
	return d.black[i]
}
