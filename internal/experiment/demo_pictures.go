package experiment

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"runtime"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/page"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/train"
	"github.com/icl-msr/icl-msr/transforms"
)

// pictureSection shows views, nearest neighbours and the weights of f_msr, all of the first seed.
func pictureSection(ctx context.Context, arms []arm) (page.Section, error) {
	sec := page.Section{Title: "Pictures"}
	c := arms[0].config
	training, err := c.Open(true)
	if err != nil {
		return sec, err
	}
	defer datasets.Close(training)
	testing, err := c.Open(false)
	if err != nil {
		return sec, err
	}
	defer datasets.Close(testing)
	aug, err := c.Augmentation()
	if err != nil {
		return sec, err
	}
	var rows [][]transforms.Image
	var b transforms.Scratch
	for i := range 10 {
		m, err := training.Image(i)
		if err != nil {
			return sec, err
		}
		row := []transforms.Image{m}
		for v := range uint64(2) {
			view, err := aug.View.Draw(transforms.Whole(m), rand.New(rand.NewPCG(uint64(i), v)), &b)
			if err != nil {
				return sec, err
			}
			row = append(row, view.Clone())
		}
		rows = append(rows, row)
	}
	sec.Pictures = append(sec.Pictures,
		page.Picture{Caption: "A picture of each class and its two random views.", Image: datasets.Grid(transpose(rows), 64)})
	for _, a := range arms[:2] {
		if len(a.Runs) == 0 {
			continue // the tables say why
		}
		if err := a.pictures(ctx, &sec, training, testing); err != nil {
			return sec, err
		}
	}
	return sec, nil
}

func transpose(rows [][]transforms.Image) [][]transforms.Image {
	out := make([][]transforms.Image, len(rows[0]))
	for _, r := range rows {
		for k, m := range r {
			out[k] = append(out[k], m)
		}
	}
	return out
}

func (a arm) pictures(ctx context.Context, sec *page.Section, training, testing datasets.Dataset) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := torch.NewScope()
	defer s.Close()
	k, err := train.Load(runfolder.Last(a.Runs[0].folder))
	if err != nil {
		return err
	}
	st, err := k.Config.State(s, 0)
	if err != nil {
		return err
	}
	if err := k.Restore(st); err != nil {
		return err
	}
	o := train.DefaultEval()
	known, _, err := k.Config.Features(ctx, s, st, training, o)
	if err != nil {
		return err
	}
	asked, _, err := k.Config.Features(ctx, s, st, subset{testing, 8}, o)
	if err != nil {
		return err
	}
	neighbours := eval.DefaultKNN()
	nearest := neighbours.K
	index, _, err := eval.Neighbours(asked, known, neighbours)
	if err != nil {
		return err
	}
	var rows [][]transforms.Image
	for i := range 8 {
		q, err := testing.Image(i)
		if err != nil {
			return err
		}
		row := []transforms.Image{border(q, [3]uint8{128, 128, 128})}
		for _, j := range index[i*nearest : (i+1)*nearest] {
			m, err := training.Image(int(j))
			if err != nil {
				return err
			}
			frame := [3]uint8{200, 40, 40}
			if training.Label(int(j)) == testing.Label(i) {
				frame = [3]uint8{30, 150, 60}
			}
			row = append(row, border(m, frame))
		}
		rows = append(rows, row)
	}
	sec.Pictures = append(sec.Pictures, page.Picture{Image: datasets.Grid(rows, 72),
		Caption: a.Name + ": test pictures (left) and their nearest training pictures; a green frame is the right class, " +
			"a red one a wrong class."})
	if st.MSR == nil {
		return nil
	}
	return weightPictures(sec, st, k.Config, training)
}

// weightPictures draws the weights A of three pictures, each as n rows of c entries.
func weightPictures(sec *page.Section, st *meta.State, c train.Config, ds datasets.Dataset) error {
	aug, err := c.Augmentation()
	if err != nil {
		return err
	}
	const shown = 3
	data := make([]float32, 0, shown*3*c.Size*c.Size)
	var b transforms.Scratch
	for i := range shown {
		m, err := ds.Image(i)
		if err != nil {
			return err
		}
		x := make([]float32, 3*c.Size*c.Size)
		if err := aug.Plain.Apply(x, transforms.Whole(m), nil, &b); err != nil {
			return err
		}
		data = append(data, x...)
	}
	return torch.With(func(s *torch.Scope) error {
		a, err := st.Weights(s, torch.FromSlice(s, data, st.Options().Device, shown, 3, int64(c.Size), int64(c.Size)))
		if err != nil {
			return err
		}
		values := torch.Slice[float32](s, a)
		if s.Err() != nil {
			return s.Err()
		}
		n, width := st.MSR.Shape()
		const cell = 9
		out := image.NewRGBA(image.Rect(0, 0, int(width)*cell, (shown*int(n)+shown-1)*cell))
		for i, v := range values {
			col, row := i%int(width), i/int(width)
			row += row / int(n) // a gap between pictures
			shade := uint8(255 * v)
			for y := range cell {
				for x := range cell {
					out.Set(col*cell+x, row*cell+y, color.RGBA{shade, shade, uint8(60 + int(shade)*3/4), 255})
				}
			}
		}
		sec.Pictures = append(sec.Pictures, page.Picture{Image: out,
			Caption: fmt.Sprintf("The learnt weights A of three pictures: %d vectors of %d entries each, dark 0, bright 1.", n,
				width)})
		return nil
	})
}

// subset is the first n pictures of a data set.
type subset struct {
	datasets.Dataset
	n int
}

func (d subset) Len() int { return d.n }

func border(m transforms.Image, c [3]uint8) transforms.Image {
	out := transforms.NewImage(m.Width+4, m.Height+4)
	for i := 0; i < len(out.Pix); i += 3 {
		copy(out.Pix[i:], c[:])
	}
	for y := range m.Height {
		copy(out.Pix[3*((y+2)*out.Width+2):], m.Pix[3*y*m.Width:3*(y+1)*m.Width])
	}
	return out
}
