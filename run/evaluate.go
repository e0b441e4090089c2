package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"text/tabwriter"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/printable"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/torch"
)

// evalOptions say how a backbone is evaluated.
type evalOptions struct {
	Linear    eval.LinearConfig
	KNN       eval.KNNConfig
	BatchSize int
	Threads   int
	machine
	Warn io.Writer // told of pictures that cannot be read; nil: nobody
	Told bool      // what there is to be said of the data
	Keep kept      // features
}

func defaultEval() evalOptions {
	return evalOptions{Linear: eval.DefaultLinear(), KNN: eval.DefaultKNN(), BatchSize: 256, machine: onCPU(), Keep: kept{format: "npy"}}
}

// score is the evaluation on one variant of the test pictures.
type score struct {
	Variant     datasets.Variant `json:"variant"`
	Linear      eval.Accuracy    `json:"linear"`
	KNN         float64          `json:"knn"`
	ProbeEpochs int              `json:"probe_epochs"` // of the linear probe
	Train       pictureCount     `json:"train_pictures"`
	Test        pictureCount     `json:"test_pictures"`
}

func evaluate(ctx context.Context, p program, args []string) error {
	o := defaultEval()
	f := flags(p, "eval", "--run DIR | --checkpoint FILE | (--init FILE | --arch torchscript:FILE) --dataset NAME [flags]")
	network := bindNetwork(f)
	data := bindData(f)
	depth16 := bindDepth16(f)
	asJSON := f.Bool("json", false, "print JSON")
	recipe := f.String("recipe", "paper", "of the probe: paper (Adam, 500 epochs) or imagenet (SGD, 100 epochs, rate 30); the flags below change it")
	f.IntVar(&o.Linear.Epochs, "epochs", o.Linear.Epochs, "epochs of the linear probe")
	f.StringVar(&o.Linear.Optimizer, "optimizer", o.Linear.Optimizer, "of the probe: adam, sgd or lars")
	f.StringVar(&o.Linear.Schedule, "schedule", o.Linear.Schedule, "of the probe: exponential, cosine or step (a tenth at 3/5 and 4/5)")
	f.Float64Var(&o.Linear.LR, "lr", o.Linear.LR, "first learning rate of the probe")
	f.Float64Var(&o.Linear.FinalLR, "final-lr", o.Linear.FinalLR, "last learning rate of the probe, where it is exponential between")
	f.Float64Var(&o.Linear.Momentum, "momentum", o.Linear.Momentum, "of sgd and lars")
	f.Float64Var(&o.Linear.WeightDecay, "weight-decay", o.Linear.WeightDecay, "L2 penalty of the probe")
	f.IntVar(&o.Linear.BatchSize, "probe-batch-size", o.Linear.BatchSize, "rows of a step of the probe")
	f.Uint64Var(&o.Linear.Seed, "seed", o.Linear.Seed, "seed of the probe")
	f.IntVar(&o.KNN.K, "neighbours", o.KNN.K, "k of the nearest-neighbour classifier")
	f.StringVar(&o.KNN.Metric, "metric", o.KNN.Metric, "of the neighbours: euclidean (a majority) or cosine (weighted votes)")
	f.Float64Var(&o.KNN.Temperature, "knn-temperature", o.KNN.Temperature, "of cosine's weights exp(cos/temperature)")
	o.Keep.bind(f)
	f.IntVar(&o.BatchSize, "batch-size", o.BatchSize, "pictures of a forward pass")
	f.IntVar(&o.Threads, "threads", 0, "threads of an operation (0: all cores)")
	o.machine.bind(f)
	if err := parse(f, args); err != nil {
		return err
	}
	switch *recipe {
	case "paper":
	case "imagenet":
		o.Linear = eval.ImageNetLinear()
		if err := parse(f, args); err != nil { // the flags lie over the recipe
			return err
		}
	default:
		return usage{suggest.Unknown("recipe", *recipe, []string{"paper", "imagenet"})}
	}
	if err := o.Keep.check(); err != nil {
		return err
	}
	if err := errors.Join(o.Linear.Validate(), o.KNN.Validate()); err != nil {
		return usage{err}
	}
	k, err := network.pick()
	if err != nil {
		return err
	}
	if err := data.over(p.stderr, &k); err != nil {
		return err
	}
	if *depth16 != "" {
		k.config.Depth16 = *depth16
	}
	k.config.machine, k.config.Threads = o.machine, o.Threads
	o.Warn = p.stderr
	scores, err := evaluateCheckpoint(ctx, k, o)
	if err != nil {
		return err
	}
	if *asJSON {
		e := json.NewEncoder(printable.Data(p.stdout))
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"checkpoint": k.path, "epochs": k.position.Epoch, "scores": scores})
	}
	if k.foreign == nil {
		fmt.Fprintf(p.stdout, "%s after %d epochs\n\n", k.path, k.position.Epoch)
	} else {
		fmt.Fprintf(p.stdout, "%s, %s\n\n", k.path, k.config.Arch)
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "test pictures\tpictures\tlinear top-1\ttop-5\t%d-NN\t\n", o.KNN.K)
	for _, s := range scores {
		fmt.Fprintf(w, "%s\t%s\t%.2f%%\t%s\t%.2f%%\t\n", s.Variant, s.Test, 100*s.Linear.Top1, topFive(s.Linear.Classes, s.Linear.Top5), 100*s.KNN)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if text := leftOut(map[string]pictureCount{"training": scores[0].Train, "testing": scores[0].Test}); text != "" {
		fmt.Fprintf(p.stdout, "\n%s\n", text)
	}
	return nil
}

// pick loads the newest checkpoint of a run, or a file.
func pick(run, file string) (k checkpoint, err error) {
	if (run == "") == (file == "") {
		return k, usagef("give either --run DIR or --checkpoint FILE")
	}
	if run == "" {
		return load(file)
	}
	if !exists(run) {
		return k, fmt.Errorf("--run %s: no such folder", run)
	}
	k, err = newest(os.Stderr, run)
	if errors.Is(err, fs.ErrNotExist) {
		return k, fmt.Errorf("--run %s: no checkpoint there yet (%s)", run, runfolder.Last(run))
	}
	return k, err
}

// evaluateCheckpoint fits the probe on the training part and scores the test
// part, in all variants where the foreground is known.
func evaluateCheckpoint(ctx context.Context, k checkpoint, o evalOptions) ([]score, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := setThreads(o.Threads); err != nil {
		return nil, err
	}
	if o.BatchSize < 1 {
		return nil, usagef("--batch-size %d: want 1 or more", o.BatchSize)
	}
	s := torch.NewScope()
	defer s.Close()
	st, err := k.config.state(s, 0)
	if err != nil {
		return nil, err
	}
	if err := k.encoder(o.Warn, st); err != nil {
		return nil, err
	}
	tellDevice(o.Warn, k.config.machine)
	scores, err := evaluateState(ctx, s, st, k.config, o)
	return scores, k.config.explain(err, forwardRoom(o.BatchSize))
}

func evaluateState(ctx context.Context, s *torch.Scope, st *meta.State, c config, o evalOptions) ([]score, error) {
	trainSet, testSet, err := c.evaluationParts(o)
	if err != nil {
		return nil, err
	}
	defer datasets.Close(trainSet)
	defer datasets.Close(testSet)
	if !o.Told {
		tellNotes(o.Warn, trainSet, testSet)
	}
	train, seen, err := c.features(ctx, s, st, trainSet, o)
	if err != nil {
		return nil, err
	}
	if err := o.Keep.write(s, "train", train); err != nil {
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
			part = datasets.WithVariant(foreground, v)
		}
		test, count, err := c.features(ctx, s, st, part, o)
		if err != nil {
			return nil, err
		}
		if err := o.Keep.write(s, "test-"+string(v), test); err != nil {
			return nil, err
		}
		acc, err := probe.Score(s, test)
		if err != nil {
			return nil, err
		}
		knn, err := eval.KNN(test, train, o.KNN)
		if err != nil {
			return nil, err
		}
		out = append(out, score{v, acc, knn, o.Linear.Epochs, seen, count})
	}
	return out, s.Err()
}

// evaluationParts opens what an evaluation needs, and refuses at once what it would fail of after hours.
func (c *config) evaluationParts(o evalOptions) (train, test datasets.Dataset, err error) {
	if train, err = c.open(true); err != nil {
		return nil, nil, err
	}
	if err = tellable(train, o.KNN.K); err == nil {
		if test, err = c.open(false); err == nil {
			return train, test, nil
		}
	}
	datasets.Close(train)
	return nil, nil, err
}

// tellable is an error where the training part has too few classes or pictures to tell by.
func tellable(train datasets.Dataset, neighbours int) error {
	switch names := train.Classes(); {
	case len(names) == 0:
		return fmt.Errorf("%s has no labels, and an accuracy needs two classes or more; name another set by --dataset and --data-dir", train.Name())
	case len(names) == 1:
		return fmt.Errorf("%s has one class only (%s): there is nothing to evaluate, since every answer is right; name another set by --dataset and --data-dir", train.Name(), names[0])
	case neighbours > train.Len():
		return fmt.Errorf("%d neighbours are more than the %d pictures of %s; give fewer by --neighbours of eval, or more pictures", neighbours, train.Len(), train.Name())
	}
	return nil
}

// features extracts a data set's features in its own order, un-augmented. Pictures that cannot be read have none.
func (c *config) features(ctx context.Context, s *torch.Scope, st *meta.State, ds datasets.Dataset, o evalOptions) (f eval.Features, n pictureCount, err error) {
	aug, err := c.augmentation()
	if err != nil {
		return f, n, err
	}
	bad, err := c.newBad(o.Warn, ds.Len())
	if err != nil {
		return f, n, err
	}
	l, err := datasets.NewLoader(ds, datasets.LoaderOptions{BatchSize: o.BatchSize, Workers: c.Workers, Plain: &aug.Plain, Bad: bad.reader(), LeaveOut: true})
	if err != nil {
		return f, n, err
	}
	batches := labelled(ctx, l, 0, c.Size, func(b *datasets.Batch) []float32 { return b.Plain })
	f, err = eval.Extract(ctx, s, batches, st.Options(), ds.Len(), len(ds.Classes()), st.Features)
	return f, bad.read(ds), err
}
