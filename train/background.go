package train

import (
	"context"
	"runtime"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/torch"
)

// BackgroundScore tells how much a network relies on backgrounds. Its accuracies are top-1, from 0 to 1, on the test
// part.
type BackgroundScore struct {
	Foreground   *ForegroundShare `json:"foreground_share"`
	Full         float64          `json:"full"`           // full pictures, by a probe fitted on full pictures
	New          float64          `json:"new_background"` // the same probe on new backgrounds
	Gray         float64          `json:"gray"`           // the same probe on foregrounds on gray
	Decorrelated float64          `json:"new_background_decorrelated_probe"`
	KNN          float64          `json:"knn_new_background"` // k-NN with 5 neighbours among full training pictures
	Bound        float64          `json:"background_only"`    // a classifier that sees only the kind of background
	ProbeEpochs  int              `json:"probe_epochs"`       // of both probes
	Pictures     PictureCount     `json:"test_pictures"`
}

// backgroundParts are the pictures that a BackgroundScore measures.
type backgroundParts struct{ train, test datasets.Twins }

// CheckBackground returns an error if c's data does not allow a BackgroundScore.
func (c *Config) CheckBackground() error {
	p, err := c.backgroundParts()
	p.close()
	return err
}

func (p backgroundParts) close() {
	for _, t := range []datasets.Twins{p.train, p.test} {
		if t.Dataset != nil {
			datasets.Close(t.Dataset)
		}
	}
}

// backgroundParts opens both parts with their twins. Callers close p, also if there is an error.
func (c *Config) backgroundParts() (p backgroundParts, err error) {
	for _, part := range []struct {
		train bool
		into  *datasets.Twins
	}{{true, &p.train}, {false, &p.test}} {
		ds, err := c.OpenPart(part.train, false)
		if err != nil {
			return p, err
		}
		if *part.into, err = datasets.TwinsOf(ds); err != nil {
			return p, field.Errorf("{datasets.Name} %s: %w", c.Data.Name, err)
		}
	}
	return p, nil
}

// ScoreBackground measures a checkpoint. Its linear probes train for probeEpochs epochs.
func ScoreBackground(ctx context.Context, k Checkpoint, o EvalOptions, probeEpochs int) (b BackgroundScore, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := SetThreads(o.Threads); err != nil {
		return b, err
	}
	err = torch.With(func(s *torch.Scope) error {
		st, err := k.Config.State(s, 0)
		if err != nil {
			return err
		}
		if err := k.Fill(encoderAndHead(st)); err != nil {
			return err
		}
		m := backgroundMeasure{c: k.Config, o: o, s: s, st: st}
		b, err = m.score(ctx, probeEpochs)
		return err
	})
	return b, k.Config.Explain(err, ForwardRoom(o.BatchSize))
}

// backgroundMeasure is one measurement: the network st on the data of c.
type backgroundMeasure struct {
	c  Config
	o  EvalOptions
	s  *torch.Scope
	st *meta.State
}

// score extracts the features of all pictures once, and computes each figure from them.
func (m *backgroundMeasure) score(ctx context.Context, probeEpochs int) (b BackgroundScore, err error) {
	p, err := m.c.backgroundParts()
	defer func() { p.close() }()
	if err != nil {
		return b, err
	}
	gray := datasets.WithVariant(p.test.Dataset, datasets.ForegroundOnly)
	parts := []datasets.Dataset{p.train.Pictures, p.train.Twins, p.test.Pictures, p.test.Twins, gray}
	features := make([]eval.Features, len(parts))
	for i, ds := range parts {
		if features[i], b.Pictures, err = m.c.Features(ctx, m.s, m.st, ds, m.o); err != nil {
			return b, err
		}
	}
	train, decorrelated, full, twins := features[0], features[1], features[2], features[3]
	b.ProbeEpochs, b.Bound = probeEpochs, backgroundOnly(p)
	if b.Foreground, err = shareOf(m.s, m.st, full, twins, p.test); err != nil {
		return b, err
	}
	if err := m.probe(ctx, train, probeEpochs, []eval.Features{full, twins, features[4]},
		[]*float64{&b.Full, &b.New, &b.Gray}); err != nil {
		return b, err
	}
	if err := m.probe(ctx, decorrelated, probeEpochs, []eval.Features{twins}, []*float64{&b.Decorrelated}); err != nil {
		return b, err
	}
	b.KNN, err = eval.KNN(twins, train, eval.DefaultKNN())
	return b, err
}

// probe fits the linear probe on features, and writes its accuracy on tests[i] to into[i].
func (m *backgroundMeasure) probe(
	ctx context.Context, on eval.Features, epochs int, tests []eval.Features, into []*float64,
) error {
	o := eval.DefaultLinear()
	o.Epochs = epochs
	probe, err := eval.FitLinear(ctx, m.s, on, o)
	if err != nil {
		return err
	}
	for i, test := range tests {
		acc, err := probe.Score(m.s, test)
		if err != nil {
			return err
		}
		*into[i] = acc.Top1
	}
	return nil
}

// backgroundOnly returns the test accuracy of the classifier that sees only the kind of background. It answers the
// class that is most frequent with that kind in the training part.
func backgroundOnly(p backgroundParts) float64 {
	counts := map[[2]int]int{}
	best := map[int]int{} // the most frequent class by kind of background
	for i, label := range p.train.Labels {
		b := p.train.Background[i]
		counts[[2]int{b, label}]++
		if was, known := best[b]; !known || counts[[2]int{b, label}] > counts[[2]int{b, was}] {
			best[b] = label
		}
	}
	right := 0
	for i, label := range p.test.Labels {
		if guess, known := best[p.test.Background[i]]; known && guess == label {
			right++
		}
	}
	return float64(right) / float64(max(1, len(p.test.Labels)))
}
