package main

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"runtime"
	"text/tabwriter"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/libtorch"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/meta"
)

// evalOptions say how a backbone is evaluated.
type evalOptions struct {
	Linear    eval.LinearConfig
	K         int
	BatchSize int
	Threads   int
	Device    string
}

func defaultEval() evalOptions {
	return evalOptions{Linear: eval.DefaultLinear(), K: 5, BatchSize: 256, Device: "cpu"}
}

// score is the evaluation on one variant of the test pictures.
type score struct {
	Variant     datasets.Variant `json:"variant"`
	Linear      eval.Accuracy    `json:"linear"`
	KNN         float64          `json:"knn"`
	ProbeEpochs int              `json:"probe_epochs"` // of the linear probe
}

func evaluate(ctx context.Context, p program, args []string) error {
	o := defaultEval()
	f := flags(p, "eval", "--run DIR | --checkpoint FILE [flags]")
	run := f.String("run", "", "run folder, its newest checkpoint")
	file := f.String("checkpoint", "", "checkpoint file")
	dir := f.String("data-dir", "", "where the data is (default: as in training)")
	asJSON := f.Bool("json", false, "print JSON")
	f.IntVar(&o.Linear.Epochs, "epochs", o.Linear.Epochs, "epochs of the linear probe")
	f.Float64Var(&o.Linear.LR, "lr", o.Linear.LR, "first learning rate of the probe")
	f.Float64Var(&o.Linear.FinalLR, "final-lr", o.Linear.FinalLR, "last learning rate of the probe, exponential between")
	f.Float64Var(&o.Linear.WeightDecay, "weight-decay", o.Linear.WeightDecay, "L2 penalty of the probe")
	f.IntVar(&o.Linear.BatchSize, "probe-batch-size", o.Linear.BatchSize, "rows of a step of the probe")
	f.Uint64Var(&o.Linear.Seed, "seed", o.Linear.Seed, "seed of the probe")
	f.IntVar(&o.K, "neighbours", o.K, "k of the nearest-neighbour classifier")
	f.IntVar(&o.BatchSize, "batch-size", o.BatchSize, "pictures of a forward pass")
	f.IntVar(&o.Threads, "threads", 0, "threads of an operation (0: all cores)")
	f.StringVar(&o.Device, "device", o.Device, "cpu, cuda or cuda:i")
	if err := parse(f, args); err != nil {
		return err
	}
	if (*run == "") == (*file == "") {
		return usagef("give either --run DIR or --checkpoint FILE")
	}
	path := *file
	if *run != "" {
		if !exists(*run) {
			return fmt.Errorf("--run %s: no such folder", *run)
		}
		if path = runfolder.Last(*run); !exists(path) {
			return fmt.Errorf("--run %s: no checkpoint there yet (%s)", *run, path)
		}
	}
	k, err := load(path)
	if err != nil {
		return err
	}
	if *dir != "" {
		k.config.DataDir = *dir
	}
	k.config.Device, k.config.Threads = o.Device, o.Threads
	scores, err := evaluateCheckpoint(ctx, k, o)
	if err != nil {
		return err
	}
	if *asJSON {
		e := json.NewEncoder(p.stdout)
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"checkpoint": path, "epochs": k.position.Epoch, "scores": scores})
	}
	fmt.Fprintf(p.stdout, "%s after %d epochs\n\n", path, k.position.Epoch)
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "test pictures\tlinear top-1\ttop-5\t%d-NN\t\n", o.K)
	for _, s := range scores {
		fmt.Fprintf(w, "%s\t%.2f%%\t%.2f%%\t%.2f%%\t\n", s.Variant, 100*s.Linear.Top1, 100*s.Linear.Top5, 100*s.KNN)
	}
	return w.Flush()
}

// evaluateCheckpoint fits the probe on the training part and scores the test
// part, in all variants where the foreground is known.
func evaluateCheckpoint(ctx context.Context, k checkpoint, o evalOptions) ([]score, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := setThreads(o.Threads); err != nil {
		return nil, err
	}
	if o.Linear.Epochs < 1 || o.Linear.BatchSize < 1 || o.BatchSize < 1 || !(o.Linear.LR > 0) || !(o.Linear.FinalLR > 0) {
		return nil, usagef("the probe's epochs, batch sizes and rates must be positive")
	}
	s := libtorch.NewScope()
	defer s.Close()
	st, err := k.config.state(s, 0)
	if err != nil {
		return nil, err
	}
	if err := k.fill(st.Encoder()); err != nil {
		return nil, err
	}
	return evaluateState(ctx, s, st, k.config, o)
}

func evaluateState(ctx context.Context, s *libtorch.Scope, st *meta.State, c config, o evalOptions) ([]score, error) {
	trainSet, err := c.open(true)
	if err != nil {
		return nil, err
	}
	testSet, err := c.open(false)
	if err != nil {
		return nil, err
	}
	train, err := c.features(ctx, s, st, trainSet, o)
	if err != nil {
		return nil, err
	}
	probe, err := eval.FitLinear(ctx, s, train, o.Linear)
	if err != nil {
		return nil, err
	}
	parts := []datasets.Variant{datasets.Full}
	foreground, known := testSet.(datasets.Foreground)
	if known {
		parts = datasets.Variants(foreground)
	}
	var out []score
	for _, v := range parts {
		part := testSet
		if known {
			part = datasets.View(foreground, v)
		}
		test, err := c.features(ctx, s, st, part, o)
		if err != nil {
			return nil, err
		}
		acc, err := probe.Score(s, test)
		if err != nil {
			return nil, err
		}
		knn, err := eval.KNN(test, train, o.K)
		if err != nil {
			return nil, err
		}
		out = append(out, score{v, acc, knn, o.Linear.Epochs})
	}
	return out, s.Err()
}

// features extracts a data set's features in its own order, un-augmented.
func (c *config) features(ctx context.Context, s *libtorch.Scope, st *meta.State, ds datasets.Dataset, o evalOptions) (eval.Features, error) {
	aug, err := c.augmentation()
	if err != nil {
		return eval.Features{}, err
	}
	l, err := datasets.NewLoader(ds, datasets.LoaderOptions{BatchSize: o.BatchSize, Workers: c.Workers, Plain: &aug.Plain})
	if err != nil {
		return eval.Features{}, err
	}
	batches := iter.Seq2[eval.Batch, error](func(yield func(eval.Batch, error) bool) {
		for b, err := range l.Epoch(ctx, 0, 0) {
			if err != nil {
				yield(eval.Batch{}, err)
				return
			}
			if !yield(eval.Batch{Pictures: b.Plain, Labels: b.Labels, Size: int64(c.Size)}, nil) {
				return
			}
		}
	})
	return eval.Extract(ctx, s, batches, st.Options(), len(ds.Classes()), st.Features)
}
