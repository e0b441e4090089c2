package train

import (
	"context"
	"io"
	"runtime"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/torch"
)

// EvalOptions are the options of an evaluation.
type EvalOptions struct {
	Evaluators eval.List
	BatchSize  int
	Threads    int
	Machine
	Warn      io.Writer    // gets warnings of pictures that cannot be read; nil: no warnings
	NotesTold bool         // the data sets' notes have been printed
	Keep      FeatureFiles // where the features are written
}

// DefaultEval runs all evaluators with the paper's settings, on the CPU.
func DefaultEval() EvalOptions {
	return EvalOptions{
		Evaluators: eval.Evaluators(),
		BatchSize:  256,
		Machine:    OnCPU(),
		Keep:       FeatureFiles{Format: "npy"},
	}
}

// probeEpochs returns the epochs of the linear probe, or 0 without one.
func (o EvalOptions) probeEpochs() int {
	if c := o.Evaluators.Linear(); c != nil {
		return c.Epochs
	}
	return 0
}

// Evaluate fits the evaluators on the training part, and scores the test part. If the foreground is known it scores
// each variant of the test part.
func Evaluate(ctx context.Context, k Checkpoint, o EvalOptions) ([]Score, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := SetThreads(o.Threads); err != nil {
		return nil, err
	}
	if o.BatchSize < 1 {
		return nil, usage.Errorf("{train.BatchSize} %d: want 1 or more", o.BatchSize)
	}
	s := torch.NewScope()
	defer s.Close()
	st, err := k.Config.State(s, 0)
	if err != nil {
		return nil, err
	}
	if err := k.FillEncoder(o.Warn, st); err != nil {
		return nil, err
	}
	TellDevice(o.Warn, k.Config.Machine)
	scores, err := evaluateState(ctx, s, st, k.Config, o)
	return scores, k.Config.Explain(err, ForwardRoom(o.BatchSize))
}

// evaluateState evaluates the backbone of a state, as Evaluate does.
func evaluateState(ctx context.Context, s *torch.Scope, st *meta.State, c Config, o EvalOptions) ([]Score, error) {
	trainSet, testSet, err := c.evaluationParts(o)
	if err != nil {
		return nil, err
	}
	defer datasets.Close(trainSet)
	defer datasets.Close(testSet)
	if !o.NotesTold {
		TellNotes(o.Warn, trainSet, testSet)
	}
	train, seen, err := c.keptFeatures(ctx, s, st, trainSet, "train", o)
	if err != nil {
		return nil, err
	}
	fitted, err := o.Evaluators.Fit(ctx, s, train)
	if err != nil {
		return nil, err
	}
	var out []Score
	for _, v := range testVariants(testSet) {
		test, count, err := c.keptFeatures(ctx, s, st, v.pictures, "test-"+string(v.variant), o)
		if err != nil {
			return nil, err
		}
		figures, err := fitted.Score(ctx, test)
		if err != nil {
			return nil, err
		}
		out = append(out, Score{v.variant, figures, o.probeEpochs(), seen, count})
	}
	return out, s.Err()
}

// testVariant is a variant of the test part.
type testVariant struct {
	variant  datasets.Variant
	pictures datasets.Dataset
}

// testVariants returns the variants of the test part. If the foreground is not known, Full is the only one.
func testVariants(test datasets.Dataset) (out []testVariant) {
	foreground, known := test.(datasets.Foreground)
	if !known {
		return []testVariant{{datasets.Full, test}}
	}
	for _, v := range datasets.Variants(foreground) {
		out = append(out, testVariant{v, datasets.WithVariant(foreground, v)})
	}
	return out
}

// keptFeatures is Features, which it also writes into the files that o.Keep asks for.
func (c *Config) keptFeatures(
	ctx context.Context, s *torch.Scope, st *meta.State, ds datasets.Dataset, name string, o EvalOptions,
) (eval.Features, PictureCount, error) {
	f, n, err := c.Features(ctx, s, st, ds, o)
	if err != nil {
		return f, n, err
	}
	return f, n, o.Keep.write(s, name, f)
}

// evaluationParts opens the data of an evaluation. It returns at once an error that the evaluation would meet after
// hours.
func (c *Config) evaluationParts(o EvalOptions) (train, test datasets.Dataset, err error) {
	if train, err = c.Open(true); err != nil {
		return nil, nil, err
	}
	if err = tellable(train, o.Evaluators); err == nil {
		if test, err = c.Open(false); err == nil {
			return train, test, nil
		}
	}
	datasets.Close(train)
	return nil, nil, err
}

// tellable returns an error if the training part has too few classes or pictures for an evaluation.
func tellable(train datasets.Dataset, by eval.List) error {
	switch names := train.Classes(); {
	case len(names) == 0:
		return field.Errorf("%s has no labels, and an accuracy needs two classes or more; name another set by "+
			"{datasets.Name} and {datasets.Dir}", train.Name())
	case len(names) == 1:
		return field.Errorf("%s has one class only (%s): there is nothing to evaluate, since every answer is right; name "+
			"another set by {datasets.Name} and {datasets.Dir}", train.Name(), names[0])
	}
	return by.Check(eval.TrainingPart{Name: train.Name(), Pictures: train.Len()})
}

// Features extracts the features of a data set in its order, without augmentation. Pictures that cannot be read have
// none.
func (c *Config) Features(
	ctx context.Context, s *torch.Scope, st *meta.State, ds datasets.Dataset, o EvalOptions,
) (f eval.Features, n PictureCount, err error) {
	aug, err := c.Augmentation()
	if err != nil {
		return f, n, err
	}
	bad, err := c.newBad(o.Warn, ds.Len())
	if err != nil {
		return f, n, err
	}
	l, err := datasets.NewLoader(ds, datasets.LoaderOptions{
		BatchSize: o.BatchSize,
		Workers:   c.Workers,
		Plain:     &aug.Plain,
		Bad:       bad.reader(),
		LeaveOut:  true,
	})
	if err != nil {
		return f, n, err
	}
	batches := labelled(ctx, l, 0, c.Size, func(b *datasets.Batch) []float32 { return b.Plain })
	f, err = eval.Extract(ctx, s, batches, st.Options(), ds.Len(), len(ds.Classes()), st.Features)
	return f, bad.read(ds), err
}
