package interventions

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/transforms"
)

// SwapOptions describe a Swap.
type SwapOptions struct {
	P       float64 // probability that a view's background is swapped, from 0 to 1
	OneView bool    // only view 0 is swapped
	Seed    uint64
	Keep    int64 // bytes of cut-out pictures that are kept in memory; 0: a gibibyte, below 0: none
}

// defaultKeep is a gibibyte: CIFAR-10's 50,000 cut-outs take a fifth of it.
const defaultKeep = 1 << 30

// Swap shows a picture's foreground on the background of another picture of the data set, the donor, whose own
// foreground is filled (Fill): a do() on the background by augmentation (Ryali et al. 2021, arXiv:2103.12719; Mo et al.
// 2021, arXiv:2108.00049; Xiao et al. 2020, arXiv:2006.09994). No label is looked at.
type Swap struct {
	ds     datasets.Dataset
	masks  MaskSource
	o      SwapOptions
	cuts   []atomic.Pointer[cutout]
	kept   atomic.Int64
	spaces sync.Pool // of *Scratch
}

// NewSwap swaps backgrounds among the pictures of ds, whose foregrounds masks gives.
func NewSwap(ds datasets.Dataset, masks MaskSource, o SwapOptions) (*Swap, error) {
	if !(o.P >= 0 && o.P <= 1) {
		return nil, field.Errorf("{interventions.P} %g: want a probability from 0 to 1", o.P)
	}
	if ds.Len() < 2 {
		return nil, fmt.Errorf("interventions: %s has %d pictures; a swap of backgrounds needs 2", ds.Name(), ds.Len())
	}
	if o.Keep == 0 {
		o.Keep = defaultKeep
	}
	s := &Swap{ds: ds, masks: masks, o: o, cuts: make([]atomic.Pointer[cutout], ds.Len())}
	s.spaces.New = func() any { return new(Scratch) }
	return s, nil
}

// swapSalt keeps the random stream of swaps apart from the loader's.
const swapSalt = 0x737761702d626700

// negativeSalt is that of Swap.Negative.
const negativeSalt = 0x6e65676174697665

// Choose draws the donor of view v of picture i. It returns i itself if the view keeps its background.
func (s *Swap) Choose(epoch uint64, i, v int) (donor int) {
	rng := rand.New(rand.NewPCG(s.o.Seed^swapSalt^epoch*0x9e3779b97f4a7c15, uint64(i)<<8|uint64(v)))
	swapped := rng.Float64() < s.o.P
	donor = rng.IntN(s.ds.Len() - 1)
	if !swapped || s.o.OneView && v > 0 {
		return i
	}
	if donor >= i { // any picture but i
		donor++
	}
	return donor
}

// Apply implements datasets.Intervention. A picture without a foreground, or all foreground, stays as it is. A donor that
// cannot be read, or that has no background, is replaced by the next picture.
func (s *Swap) Apply(src transforms.Image, epoch uint64, i, v int, buffer *transforms.Image) (transforms.Image, error) {
	donor := s.Choose(epoch, i, v)
	if donor == i {
		return src, nil
	}
	own, err := s.cut(i, &src)
	if err != nil || !own.usable() {
		return src, err
	}
	other, err := s.donor(donor, i)
	if err != nil {
		return src, err
	}
	return own.onto(src, other, buffer), nil
}

// Negative shows the object of another picture on the background of picture i, in buffer: as a negative of i it can be
// told from i by its object alone (the background-matched negative of Ryali et al. 2021, arXiv:2103.12719). The object
// depends on (seed, epoch, i, v) alone.
func (s *Swap) Negative(epoch uint64, i, v int, buffer *transforms.Image) (transforms.Image, error) {
	rng := rand.New(rand.NewPCG(s.o.Seed^negativeSalt^epoch*0x9e3779b97f4a7c15, uint64(i)<<8|uint64(v)))
	background, err := s.donor(i, -1)
	if err != nil {
		return transforms.Image{}, err
	}
	for range 100 {
		j := rng.IntN(s.ds.Len())
		if j == i {
			continue
		}
		m, err := s.ds.Image(j)
		if err != nil {
			continue
		}
		c, err := s.cut(j, &m)
		if err == nil && c.usable() {
			return c.onto(m, background, buffer), nil
		}
	}
	return transforms.Image{}, fmt.Errorf("interventions: no foreground in 100 pictures of %s", s.ds.Name())
}

// donor returns the background of picture j, or of the next one that has one.
func (s *Swap) donor(j, i int) (transforms.Image, error) {
	var last error
	for range min(s.ds.Len(), 100) {
		if j != i {
			c, err := s.cut(j, nil)
			if err == nil && c.background.Pix != nil {
				return c.background, nil
			}
			last = err
		}
		j = (j + 1) % s.ds.Len()
	}
	return transforms.Image{}, fmt.Errorf("interventions: no picture of %s has a background (last error: %w)",
		s.ds.Name(), last)
}

// cut returns the parts of picture i, kept or new. src is the picture if it is at hand.
func (s *Swap) cut(i int, src *transforms.Image) (*cutout, error) {
	if c := s.cuts[i].Load(); c != nil {
		return c, nil
	}
	if src == nil {
		m, err := s.ds.Image(i)
		if err != nil {
			return nil, err
		}
		src = &m
	}
	b := s.spaces.Get().(*Scratch)
	defer s.spaces.Put(b)
	mask, err := s.masks.MaskOf(i, *src, b)
	if err != nil {
		return nil, err
	}
	c, err := newCutout(*src, mask)
	if err == nil && s.kept.Load() < s.o.Keep && s.cuts[i].CompareAndSwap(nil, c) {
		s.kept.Add(int64(len(c.mask.Pix) + len(c.background.Pix)))
	}
	return c, err
}

// resized is m at a size.
func resized(m transforms.Image, width, height int) transforms.Image {
	if m.Width == width && m.Height == height {
		return m
	}
	whole := transforms.Box{Width: m.Width, Height: m.Height}
	return transforms.ResizedCrop(m, whole, width, height, transforms.Bilinear)
}
