package experiment

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"time"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/page"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/train"
	"github.com/icl-msr/icl-msr/transforms"
)

// demoPage puts the arms on a page.
func demoPage(ctx context.Context, arms []arm, n int, took time.Duration) (page.Page, error) {
	c := arms[0].config
	doc := page.Page{
		Title: "SimCLR against SimCLR+MSR on drawn pictures",
		Lead: []string{
			fmt.Sprintf("Objects of ten classes lie over drawn backgrounds; of the training pictures %.0f%% have their class's own background, so that the background predicts the class. "+
				"A linear probe and nearest neighbours are fitted on full training pictures and tested on full pictures, on the foreground alone, and with a new background that tells nothing.", 100*c.Data.Correlation),
			fmt.Sprintf("Every arm makes the same number of encoder updates, on the same data in the same order, for each of %d seeds. This is a small network trained for minutes: it shows that the program works and what the gap is, not what the method is worth.", n),
		},
	}
	doc.Sections = append(doc.Sections, accuracySection(arms, n), curvesSection(arms))
	pictures, err := pictureSection(ctx, arms)
	if err != nil {
		return doc, err
	}
	doc.Sections = append(doc.Sections, pictures)
	doc.Settings = append(settings(arms, n, took),
		[2]string{"pictures", fmt.Sprintf("%d, correlation %g", c.Data.Count, c.Data.Correlation)},
		[2]string{"machine", fmt.Sprintf("%s/%s, %d cores, LibTorch %s, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), torch.Version(), runtime.Version())})
	return doc, nil
}

func accuracySection(arms []arm, seeds int) page.Section {
	s := page.Section{Title: "Accuracy"}
	var columns, verdicts []string
	for _, shown := range variants(arms) {
		columns = append(columns, string(shown))
	}
	for _, probe := range []struct {
		name string
		of   func(train.Score) float64
	}{{"Linear probe", linearTop1}, {"5 nearest neighbours", knn}} {
		table := page.Table{Caption: caption(probe.name+": top-1 in percent", seeds), Head: append([]string{""}, columns...)}
		pairs := page.Table{Caption: caption(probe.name+": paired difference to "+arms[0].Name, seeds), Head: append([]string{""}, columns...)}
		dots := map[string][]page.Series{}
		var q primary
		var found, reasons, reasonsOfPairs []string
		for i, a := range arms {
			row, diff := []string{a.Name}, []string{a.Name}
			for v, column := range columns {
				row = append(row, a.cell(v, probe.of))
				d := paired(arms[0], a, v, probe.of)
				if diff = append(diff, d.String()); i > 0 {
					q.add(len(pairs.Rows), len(diff)-1, d)
				}
				if i == 1 {
					found = append(found, fmt.Sprintf("%s %s (%s)", column, d, d.Verdict()))
				}
				dots[column] = append(dots[column], page.Series{Group: a.Name, Colour: i % page.Colours, Y: a.accuracies(v, probe.of)})
			}
			table.Rows, reasons = append(table.Rows, row), append(reasons, why(a))
			if i > 0 {
				pairs.Rows, reasonsOfPairs = append(pairs.Rows, diff), append(reasonsOfPairs, why(arms[0], a))
			}
		}
		verdicts = append(verdicts, fmt.Sprintf("%s, %s against %s: %s.", probe.name, arms[1].Name, arms[0].Name, strings.Join(found, "; ")))
		q.into(&pairs)
		s.Tables = append(s.Tables, withReasons(table, reasons), withReasons(pairs, reasonsOfPairs))
		s.Charts = append(s.Charts, page.Dots(probe.name, "top-1 (%)", columns, dots))
	}
	s.Text = figures(seeds) + " " + chance(seeds) + " " + strings.Join(verdicts, " ")
	return s
}

func curvesSection(arms []arm) page.Section {
	s := page.Section{Title: "Training", Text: "A line for each seed. The two norms are of the gradients that train f_msr: of L_ct at the fast weights, and of the uniformity loss times gamma."}
	for _, chart := range []struct {
		title string
		log   bool
		of    func(meta.Epoch) float64
	}{
		{"L_ct, the contrastive loss", false, func(e meta.Epoch) float64 { return e.LCt }},
		{"L_msr, the do-loss", false, func(e meta.Epoch) float64 { return e.LMsr }},
		{"L_uni, uniformity of the weights", false, func(e meta.Epoch) float64 { return e.LUni }},
		{"norm of L_ct(theta1)'s gradient on f_msr", true, func(e meta.Epoch) float64 { return e.NormMeta }},
		{"norm of gamma L_uni's gradient on f_msr", true, func(e meta.Epoch) float64 { return e.NormUniformity }},
		{"seconds of an epoch", false, func(e meta.Epoch) float64 { return e.SecondsRegular + e.SecondsMeta }},
	} {
		var series []page.Series
		for i, a := range arms {
			for _, r := range a.Runs {
				line := page.Series{Group: a.Name, Colour: i % page.Colours}
				any := false
				for _, e := range r.Metrics {
					y := chart.of(e)
					if y == 0 {
						y = math.NaN() // this arm does not have it
					} else {
						any = true
					}
					line.Y = append(line.Y, y)
				}
				if any {
					series = append(series, line)
				}
			}
		}
		if len(series) > 0 {
			s.Charts = append(s.Charts, page.Lines(chart.title, "", series, chart.log))
		}
	}
	return s
}

// pictureSection shows pictures with their views, f_msr's weights and nearest
// neighbours, of the first seed.
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
	sec.Pictures = append(sec.Pictures, page.Picture{Caption: "A picture of each class and its two random views.", Image: datasets.Grid(transpose(rows), 64)})
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
	nearest := o.KNN.K
	index, _, err := eval.Neighbours(asked, known, o.KNN)
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
		Caption: a.Name + ": test pictures (left) and their nearest training pictures; a green frame is the right class, a red one a wrong class."})
	if st.MSR == nil {
		return nil
	}
	return weightPictures(sec, st, k.Config, training)
}

// weightPictures shows A of three pictures as n rows of c entries.
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
			Caption: fmt.Sprintf("The learnt weights A of three pictures: %d vectors of %d entries each, dark 0, bright 1.", n, width)})
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
