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
	Keep    int64 // largest size of the cut-out pictures kept in memory, in bytes; 0: a gibibyte; negative: none kept
}

// defaultKeep is a gibibyte. The 50,000 cut-outs of CIFAR-10 take a fifth of it.
const defaultKeep = 1 << 30

// Swap shows a picture's foreground on the background of another picture of the data set, the donor. The donor's own
// foreground is filled (Fill). This is a do() on the background by augmentation (Ryali et al. 2021, arXiv:2103.12719;
// Mo et al. 2021, arXiv:2108.00049; Xiao et al. 2020, arXiv:2006.09994). Swap uses no labels.
type Swap struct {
	ds     datasets.Dataset
	masks  MaskSource
	o      SwapOptions
	cuts   []atomic.Pointer[cutout]
	kept   atomic.Int64
	spaces sync.Pool // of *Scratch
}

// NewSwap swaps backgrounds among the pictures of ds. masks gives their foregrounds.
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

// negativeSalt keeps the random stream of Swap.Negative apart from the others.
const negativeSalt = 0x6e65676174697665

// Choose draws the donor of view v of picture i. If the view keeps its background, Choose returns i.
func (s *Swap) Choose(epoch uint64, i, v int) (donor int) {
	rng := rand.New(rand.NewPCG(s.o.Seed^swapSalt^epoch*0x9e3779b97f4a7c15, uint64(i)<<8|uint64(v)))
	swapped := rng.Float64() < s.o.P
	donor = rng.IntN(s.ds.Len() - 1)
	if !swapped || s.o.OneView && v > 0 {
		return i
	}
	if donor >= i { // skip i, so that each other picture is equally likely
		donor++
	}
	return donor
}

// Apply implements datasets.Intervention. A picture without foreground or without background stays as it is. If a donor
// cannot be read or has no background, the next picture is the donor.
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

// Negative shows the object of another picture on the background of picture i. The result is in buffer. As a negative
// of i it differs only in the object (the background-matched negative of Ryali et al. 2021, arXiv:2103.12719). The
// object depends only on (seed, epoch, i, v).
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

// donor returns the background of picture j or, if that has none, of the next picture that has one.
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

// cut returns the parts of picture i. If they are not kept, cut computes them. src is the picture if the caller has it,
// otherwise nil.
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

// resized returns m in another size.
func resized(m transforms.Image, width, height int) transforms.Image {
	if m.Width == width && m.Height == height {
		return m
	}
	whole := transforms.Box{Width: m.Width, Height: m.Height}
	return transforms.ResizedCrop(m, whole, width, height, transforms.Bilinear)
}
